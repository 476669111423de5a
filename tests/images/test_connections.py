"""Connections of a download: what they refuse, send, and when they end."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from utkage.core.errors import ImageError
from utkage.images.connections import Connections
from utkage.images.public_addresses import PrivateAddressError


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class _Recorder(HTTPServer):
    """A server that keeps the first line and the headers of each request."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Recorder

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder():
    with _Recorder() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _get(url: str) -> int:
    with Connections(5, 5) as connections:
        return connections.request(url, only_public=False).getresponse().status


def test_paths_and_queries_are_escaped_once(recorder: _Recorder) -> None:
    port = recorder.server_port
    assert _get(f"http://127.0.0.1:{port}/a b/é%20.jpg?q=ü&x=1") == 204
    assert _get(f"http://127.0.0.1:{port}") == 204
    paths = [path for path, _ in recorder.requests]
    assert paths == ["/a%20b/%C3%A9%20.jpg?q=%C3%BC&x=1", "/"]
    assert recorder.requests[0][1]["User-Agent"] == "utkage"


def test_a_proxy_takes_the_whole_address(
    recorder: _Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{recorder.server_port}")
    assert _get("http://pictures.test/a.jpg") == 204
    ((path, headers),) = recorder.requests
    assert path == "http://pictures.test/a.jpg"
    assert headers["Host"] == "pictures.test"
    assert headers["Proxy-Authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    ("url", "message"),
    [("http:///a.jpg", "has no host"), ("http://me@host.test/a.jpg", "user names in addresses")],
)
def test_addresses_that_are_refused(url: str, message: str) -> None:
    with Connections(1, 1) as connections, pytest.raises(ImageError, match=message):
        connections.request(url, only_public=False)


def test_private_addresses_are_refused(recorder: _Recorder) -> None:
    with Connections(1, 1) as connections, pytest.raises(PrivateAddressError):
        connections.request(f"http://127.0.0.1:{recorder.server_port}/", only_public=True)
    assert not recorder.requests


def test_a_silent_server_is_cut_when_the_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Connections(30, 0.3) as connections:
        port = server.getsockname()[1]
        connection = connections.request(f"http://127.0.0.1:{port}/", only_public=False)
        with pytest.raises(OSError):  # noqa: PT011
            connection.getresponse()
        assert connections.time_is_over
        with pytest.raises(TimeoutError, match="timed out"):
            connections.require_time()
        with pytest.raises(TimeoutError):
            connections.request(f"http://127.0.0.1:{port}/", only_public=False)
