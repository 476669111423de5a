"""``POST /v1/predict`` gives the rows of ``predict``, and refuses what it does not take."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from held_predictor import HeldPredictor
from PIL import Image

from utkage.prediction.predictor import Predictor
from utkage.serving.metrics import CONTENT_TYPE

PREDICT = "/v1/predict"
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def expected(loaded: Predictor, examples: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows of the command, by the name of the picture."""
    names = ("portrait.jpg", "couple.jpg")
    return {
        name: [
            {**row.to_dict(), "file": name}
            for row in loaded.predict((examples / name).read_bytes())
        ]
        for name in names
    }


def test_a_form_of_several_pictures(make_client, expected, examples: Path) -> None:
    names = list(expected)
    files = [("picture", (name, (examples / name).read_bytes())) for name in names]
    response = make_client().post(PREDICT, files=files)
    assert response.status_code == 200
    assert response.json() == [row for name in names for row in expected[name]]


def test_a_picture_as_the_body(make_client, expected, portrait: bytes) -> None:
    response = make_client().post(f"{PREDICT}?name=portrait.jpg", content=portrait, headers=JPEG)
    assert response.json() == expected["portrait.jpg"]


def test_pictures_as_json(make_client, expected, portrait: bytes) -> None:
    data = base64.b64encode(portrait).decode()
    body = {"pictures": [{"name": "portrait.jpg", "data": data}, data], "threshold": 18}
    first, second = make_client().post(PREDICT, json=body).json()
    assert second["file"] == "pictures[1]"
    assert {**first, "threshold": None, "p_at_least": None} == expected["portrait.jpg"][0]
    assert first["threshold"] == 18
    assert 0 < first["p_at_least"] == second["p_at_least"] < 1


def test_options_of_a_request(make_client, examples: Path) -> None:
    client = make_client()
    family = (examples / "family.jpg").read_bytes()

    def rows(query: str) -> list[dict[str, Any]]:
        return client.post(f"{PREDICT}?{query}", content=family, headers=JPEG).json()

    every, one, wide = rows("threshold=30"), rows("max_faces=1"), rows("interval=0.95")
    assert (len(every), len(one)) == (7, 1)
    assert one[0]["faces"] == 1
    assert one[0]["age"] == every[0]["age"]
    assert wide[0]["age_low"] < every[0]["age_low"]
    assert {row["threshold"] for row in every} == {30}


def test_rotated_pictures_on_request(make_client, examples: Path) -> None:
    client = make_client()
    turned = io.BytesIO()
    with Image.open(examples / "portrait.jpg") as portrait:
        portrait.transpose(Image.Transpose.ROTATE_180).save(turned, "JPEG")
    on, off = (
        client.post(f"{PREDICT}?rotate={how}", content=turned.getvalue(), headers=JPEG).json()
        for how in ("auto", "none")
    )
    assert on[0]["rotated"] == 180
    assert off[0]["rotated"] in (0, None)


def test_a_file_that_is_no_picture_is_a_row(make_client) -> None:
    client = make_client()
    (row,) = client.post(PREDICT, content=b"no picture", headers=JPEG).json()
    assert row["status"] == "failed"
    assert row["reason"].startswith("picture: not a picture")
    assert 'utkage_pictures_total{status="failed"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"content": b"", "headers": {"Content-Type": "text/html"}}, 415, "text/html"),
        ({"content": b"", "headers": JPEG}, 400, "there is no picture"),
        ({"data": {"a": "b"}}, 415, "urlencoded"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "not JSON"),
        ({"json": []}, 400, "no list of pictures"),
        ({"json": {"pictures": {}}}, 400, "no list of pictures"),
        ({"json": {"pictures": []}}, 400, "there is no picture"),
        ({"json": {"pictures": [7]}}, 400, "pictures[0]: data, url and name are texts"),
        ({"json": {"pictures": [{"data": "Ü"}]}}, 400, "pictures[0]: is not base64"),
        ({"json": {"pictures": [{"name": "a"}]}}, 400, "pictures[0]: needs"),
        ({"json": {"pictures": [{"uri": "a"}]}}, 400, "pictures[0]: there is no 'uri'"),
        ({"json": {"pictures": [{"url": "http://a.test/"}]}}, 400, "(--allow-addresses)"),
        ({"json": {"pictures": ["AAAA"], "age": 3}}, 400, "there is no option age"),
        ({"json": {"pictures": ["AAAA"], "threshold": True}}, 400, "use a whole number"),
        ({"json": {"pictures": ["AAAA"], "threshold": None}}, 400, "use a whole number"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "form"),
        ({"params": {"interval": "nan"}, "content": b"x"}, 400, "level between 0 and 1"),
        ({"params": {"max_faces": "0"}, "content": b"x"}, 400, "use 1 or more"),
        ({"params": {"rotate": "left"}, "content": b"x"}, 400, "auto or none"),
        ({"files": [("a", b"1")] * 4}, 413, "more than 3 pictures"),
        ({"files": [("a", b"1")] * 9}, 413, "more than 3 pictures"),
        ({"content": b"x" * 3001}, 413, "longer than 3,000 bytes"),
        ({"files": {"a": b"x" * 3001}}, 413, "longer than 3,000 bytes"),
    ],
)
def test_what_is_refused(make_client, request_: dict[str, Any], status: int, message: str) -> None:
    client = make_client(max_bytes=3000, max_pictures=3)
    response = client.post(PREDICT, **request_)
    assert response.status_code == status, response.text
    assert message in response.json()["error"]
    assert client.service.waiting == 0
    assert f'utkage_requests_total{{status="{status}"}} 1.0' in client.get("/metrics").text


def test_a_body_without_a_length_is_counted(make_client) -> None:
    def parts() -> Iterator[bytes]:
        yield from [b"x" * 1000] * 5

    response = make_client(max_bytes=3000).post(PREDICT, content=parts())
    assert response.status_code == 413


def test_a_token(make_client, portrait: bytes) -> None:
    client = make_client(token="secret")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}):
        for path in (PREDICT, "/metrics", "/v1/info"):
            method = "POST" if path == PREDICT else "GET"
            response = client.request(method, path, headers=headers)
            assert (response.status_code, "a token" in response.json()["error"]) == (401, True)
    right = {"Authorization": "Bearer secret", **JPEG}
    assert client.post(PREDICT, content=portrait, headers=right).status_code == 200
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_what_operators_need(make_client) -> None:
    client = make_client()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"ready": True}
    info = client.get("/v1/info").json()
    assert info["kind"] == "weights"
    assert "path" not in info
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"] == CONTENT_TYPE
    assert "utkage_waiting 0.0" in metrics.text
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) >= {PREDICT, "/v1/info", "/metrics", "/healthz", "/readyz"}
    assert client.get("/docs").json() == {"error": "Not Found"}


def test_the_page(make_client, tmp_path: Path) -> None:
    assert "v1/predict" in make_client().get("/").text
    (tmp_path / "index.html").write_text("<p>mine</p>")
    client = make_client(page=tmp_path)
    assert client.get("/").text == "<p>mine</p>"
    assert client.get("/../conftest.py").status_code == 404
    assert client.get("/healthz").status_code == 200


def test_a_full_queue(make_client, held: HeldPredictor) -> None:
    client = make_client(predictor=held, max_waiting=2)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(client.post(PREDICT, content=b"x").status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    while client.service.waiting < 2:
        time.sleep(0.01)
    refused = client.post(PREDICT, content=b"x")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    held.released.set()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200]
    assert client.service.waiting == 0
    assert client.post(PREDICT, content=b"x").status_code == 200


def test_a_request_that_takes_too_long_frees_its_place(make_client, held: HeldPredictor) -> None:
    client = make_client(predictor=held, seconds=0.1)
    files = [("a", b"1"), ("b", b"2"), ("c", b"3")]
    assert client.post(PREDICT, files=files).status_code == 503
    # The first is being predicted; the others were only waiting.
    assert client.service.waiting == 1
    held.released.set()
    while client.service.waiting:
        time.sleep(0.01)
    (row,) = client.post(PREDICT, content=b"x").json()
    assert row["status"] == "no_face"
