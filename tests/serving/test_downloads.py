"""Pictures that JSON names by addresses: read on request, from public places, within limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from held_predictor import HeldPredictor

from utkage.images import public_addresses

pytest.importorskip("fastapi")

PREDICT = "/v1/predict"


class _Site(BaseHTTPRequestHandler):
    """``/N`` has N bytes, and ``/slow`` none for a long time; ``/inside`` leads to this machine."""

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1)
        if self.path == "/inside":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.2/")
            self.end_headers()
            return
        content = b"x" * int(self.path[1:]) if self.path[1:].isdecimal() else b"x"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class _Sites(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Downloads that were given up are no fault of the site."""


@pytest.fixture
def site() -> Iterator[str]:
    """A site of this machine."""
    with _Sites(("127.0.0.1", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def public(site: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same site, with an address that counts as public."""
    monkeypatch.setattr(public_addresses, "is_public", lambda address: address == "127.0.0.1")
    return site


def _predict(client: Any, *pictures: object) -> Any:
    return client.post(PREDICT, json={"pictures": pictures})


def test_addresses_are_read_on_request_only(make_client, quick: HeldPredictor, public: str) -> None:
    client = make_client(predictor=quick)
    refused = _predict(client, {"url": f"{public}/9"})
    assert refused.status_code == 400
    assert "--allow-addresses" in refused.json()["error"]
    assert quick.seen == []


def test_pictures_at_addresses(
    make_client, loaded: Any, examples: Any, public: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait = (examples / "portrait.jpg").read_bytes()
    found = b"HTTP/1.0 200 OK\r\n\r\n" + portrait
    monkeypatch.setattr(_Site, "do_GET", lambda self: self.wfile.write(found))
    client = make_client(predictor=loaded, allow_addresses=True)
    named = {"url": f"{public}/b.jpg", "name": "b"}
    response = _predict(client, {"url": f"{public}/a.jpg"}, named, "AAAA")
    first, second, third = response.json()
    assert (first["status"], first["file"]) == ("ok", f"{public}/a.jpg")
    assert {**first, "file": "b"} == second
    assert (third["status"], third["file"]) == ("failed", "pictures[2]")
    assert client.service.held_bytes == 0


def test_private_addresses_are_failed_rows(make_client, loaded: Any, site: str) -> None:
    client = make_client(predictor=loaded, allow_addresses=True)
    hosts = (site, "http://169.254.169.254/latest", "http://[::1]:22/", "http://localhost:22")
    for row in _predict(client, *({"url": host} for host in hosts)).json():
        assert row["status"] == "failed"
        assert "not public" in row["reason"]


def test_redirects_into_the_network_are_failed_rows(make_client, loaded: Any, public: str) -> None:
    client = make_client(predictor=loaded, allow_addresses=True)
    (row,) = _predict(client, {"url": f"{public}/inside"}).json()
    assert "leads to a place that is not public" in row["reason"]


@pytest.mark.parametrize(
    "picture",
    [
        *({"url": "file:///etc/passwd"}, {"url": "/etc/passwd"}, {"url": ""}, {"url": 1}),
        *({"url": "http://a.test/", "data": "AAAA"}, {"url": "ftp://a.test/"}, {"url": None}),
        {"url": "data:image/png;base64,AAAA"},
    ],
)
def test_what_is_no_address(make_client, quick: HeldPredictor, picture: object) -> None:
    client = make_client(predictor=quick, allow_addresses=True)
    assert _predict(client, picture).status_code == 400
    assert quick.seen == []


def test_addresses_have_the_limits_of_bodies(
    make_client, quick: HeldPredictor, public: str
) -> None:
    client = make_client(
        predictor=quick, allow_addresses=True, max_bytes=1000, max_held_bytes=1020, seconds=0.5
    )
    # Short enough one by one but not together; too long with its body; too slow together.
    slow = ("slow",)
    for paths, status in ((("600", "600"), 413), (("990",), 429), (slow * 12, 503)):
        response = _predict(client, *({"url": f"{public}/{path}"} for path in paths))
        assert response.status_code == status, response.text
        assert client.service.held_bytes == 0
    assert quick.seen == []
    assert _predict(client, {"url": f"{public}/1001"}, {"url": f"{public}/slow"}).status_code == 200
