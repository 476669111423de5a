"""What bodies of requests may look like, and hostile ones."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from held_predictor import HeldPredictor

from utkage.serving.body_formats import FORM, JSON, Body, pictures_in_body
from utkage.serving.form import FormError, TooManyFilesError, read_form
from utkage.serving.settings import ServeSettings

fastapi = pytest.importorskip("fastapi")

PREDICT = "/v1/predict"
TYPE = f"{FORM}; boundary=b"
PNG = b"\x89PNG\r\n\x1a\n"


def _body(content_type: str, content: bytes, name: str | None = None, most: int = 5) -> Body:
    return pictures_in_body(content_type, content, name, ServeSettings(max_pictures=most))


def _refused(content_type: str, content: bytes, name: str | None = None) -> tuple[int, str]:
    with pytest.raises(fastapi.HTTPException) as caught:
        _body(content_type, content, name)
    return caught.value.status_code, caught.value.detail


def _part(head: str, content: bytes = b"x") -> bytes:
    disposition = f"Content-Disposition: form-data; {head}"
    return b"--b\r\n" + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


END = b"--b--\r\n"


def test_a_picture_is_recognised_whatever_its_type_says() -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "image/jpeg", "", "a"):
        (picture,) = _body(kind, PNG, "a.png").pictures
        assert (picture.name, picture.source) == ("a.png", PNG)
    status, message = _refused("application/x-www-form-urlencoded", b"a=b")
    assert status == 415
    assert "curl -H 'Content-Type: image/jpeg' --data-binary @a.jpg" in message


def test_base64_of_browsers_and_of_mail() -> None:
    plain = base64.b64encode(PNG * 20).decode()
    forms = [plain, base64.encodebytes(PNG * 20).decode(), f"data:image/png;base64,{plain}"]
    found = _body(JSON, json.dumps({"pictures": forms}).encode()).pictures
    assert [picture.source for picture in found] == [PNG * 20] * 3
    assert [picture.name for picture in found] == ["pictures[0]", "pictures[1]", "pictures[2]"]
    damaged = json.dumps({"pictures": ["data:image/png;base64,AAAAA"]}).encode()
    assert _refused(JSON, damaged)[0] == 400


def test_names_are_text_of_a_bounded_length() -> None:
    def named(name: str) -> bytes:
        return json.dumps({"pictures": [{"data": "AAAA", "name": name}]}).encode()

    (picture,) = _body(JSON, named("\ud800")).pictures
    assert picture.name == "\\ud800"
    assert _refused(JSON, named("x" * 1025)) == (400, "a name is longer than 1,024 characters")
    assert _refused("image/png", PNG, "x" * 1025)[0] == 400
    assert _refused(JSON, named("a"), "b")[0] == 400


def test_a_name_that_is_no_text_gives_a_row(make_client, quick: HeldPredictor) -> None:
    body = b'{"pictures": [{"name": "\\ud800", "data": "AAAA"}]}'
    response = make_client(predictor=quick).post(
        PREDICT, content=body, headers={"Content-Type": JSON}
    )
    assert response.status_code == 200
    assert response.json()[0]["file"] == "\\ud800"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"{" * 100_000,
        b'{"pictures":[' + b"{}," * 20_000 + b"{}]}",
        b'{"pictures":["AAAA"],"threshold":' + b"9" * 5000 + b"}",
        b"\xff\xfe\x00",
        b"",
        b"nul",
        b'{"pictures":["AAAA"],"threshold":[[[[1]]]]}x',
    ],
)
def test_json_that_is_a_trap(content: bytes) -> None:
    started = time.perf_counter()
    assert _refused(JSON, content)[0] == 400
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 18.5}, "threshold '18.5': use a whole number"),
        ({"max_faces": "2.0"}, "use a whole number"),
        ({"interval": "wide"}, "interval 'wide': use a number"),
        ({"threshold": [1]}, "use a whole number"),
        ({"threshold": 1e400}, "use a whole number"),
        ({"rotate": None}, "rotate None: choose auto or none"),
        ({"colour": 1}, "interval, threshold, uncertain_below, max_faces, rotate"),
    ],
)
def test_wrong_options(make_client, quick: HeldPredictor, options: Any, message: str) -> None:
    client = make_client(predictor=quick)
    body = json.dumps({"pictures": ["AAAA"], **options})
    response = client.post(PREDICT, content=body, headers={"Content-Type": JSON})
    assert response.status_code == 400
    assert message in response.json()["error"]
    assert quick.seen == []


def test_an_option_is_given_once(make_client, quick: HeldPredictor) -> None:
    client = make_client(predictor=quick)
    for query, fields in (("threshold=1&threshold=2", {}), ("threshold=1", {"threshold": "2"})):
        response = client.post(f"{PREDICT}?{query}", files={"a": b"x"}, data=fields)
        assert response.status_code == 400
        assert "threshold: is given twice" in response.json()["error"]


def test_whole_numbers_may_be_written_as_floats(make_client, quick: HeldPredictor) -> None:
    client = make_client(predictor=quick)
    body = {"pictures": ["AAAA"], "threshold": 18.0, "interval": 0.5, "rotate": "none"}
    assert client.post(PREDICT, json=body).status_code == 200


def test_the_parts_of_a_form() -> None:
    content = (
        _part('name="threshold"', b"18")
        + _part('name="a"; filename="one.jpg"', b"1\r\n--c")
        + _part('name="b"; filename=""', b"2")
        + _part('name="none"; filename=""', b"")
        + _part('name="c"; filename="d\u00fc.jpg"', b"")
        + END
    )
    form = read_form(TYPE, content + b"epilogue", most_files=9)
    assert form.fields == [("threshold", "18")]
    assert form.files == [("one.jpg", b"1\r\n--c"), ("b", b"2"), ("d\u00fc.jpg", b"")]


@pytest.mark.parametrize(
    ("content_type", "content", "message"),
    [
        (FORM, END, "no boundary"),
        (f"{FORM}; boundary={'b' * 5000}", END, "oundary"),
        (TYPE, b"", "ends early"),
        (TYPE, _part('name="a"; filename="a"'), "ends early"),
        (TYPE, b"--b\r\n\r\nx\r\n" + END, "no name"),
        (TYPE, _part("filename=a") + END, "no name"),
        (TYPE, b"--b\r\n: x\r\n\r\n" + END, "header"),
        (TYPE, b"no boundary here", "boundary"),
        (TYPE, _part('name="a"', b"x" * 2000) + END, "longer than 1,000 bytes"),
        (TYPE, _part('name="a"') * 21 + END, "more than 20 fields"),
    ],
)
def test_forms_that_cannot_be_read(content_type: str, content: bytes, message: str) -> None:
    with pytest.raises(FormError, match=message):
        read_form(content_type, content, most_files=9)


def test_a_form_with_too_many_files() -> None:
    files = _part('name="a"; filename="a"') * 9 + _part('name="t"', b"18")
    assert len(read_form(TYPE, files + END, most_files=9).files) == 9
    for more in (_part('name="a"; filename="a"'), _part('name="a"; filename=""', b"") * 20):
        with pytest.raises(TooManyFilesError):
            read_form(TYPE, files + more + END, most_files=9)


@pytest.mark.parametrize(
    "content",
    [
        _part('name="a"; filename="a"', b"") * 40_000 + END,
        _part(f'name="{"n" * 4_000_000}"; filename="a"') + END,
        b"--b\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(200_000)) + b"\r\n" + END,
        _part('name="a"; filename="a"', b"\r\n--" * 500_000) + END,
        _part('name="a"; filename="a"', b"\r" * 2_000_000) + END,
        b"\r\n" * 1_000_000 + _part('name="a"; filename="a"') + END,
        _part('name="a"; filename="a"') + END + b"\r\n--b" * 400_000,
    ],
)
def test_forms_of_megabytes_take_moments(content: bytes) -> None:
    started = time.process_time()
    with suppress(FormError):
        assert len(read_form(TYPE, content, most_files=9).files) <= 9
    assert time.process_time() - started < 0.5


def test_more_pictures_than_places_are_refused_for_good(make_client, quick: HeldPredictor) -> None:
    client = make_client(predictor=quick, max_waiting=2)
    files = [("a", b"1")] * 3
    response = client.post(PREDICT, files=files)
    assert response.status_code == 413
    assert response.json()["error"] == "more than 2 pictures; send fewer at once"
    assert client.post(PREDICT, json={"pictures": ["AAAA"] * 3}).status_code == 413
    assert client.post(PREDICT, files=files[:2]).status_code == 200
    assert ServeSettings(max_pictures=3, max_waiting=9).most_pictures == 3


def test_bodies_are_held_until_they_are_predicted(make_client, held: HeldPredictor) -> None:
    client = make_client(predictor=held, max_bytes=1000, max_held_bytes=1500)
    statuses: list[int] = []
    first = threading.Thread(
        target=lambda: statuses.append(client.post(PREDICT, content=b"x" * 1000).status_code)
    )
    first.start()
    while client.service.held_bytes < 1000 or not held.seen:
        time.sleep(0.01)
    refused = client.post(PREDICT, content=b"x" * 501)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert "utkage_held_bytes 1000.0" in client.get("/metrics").text
    held.released.set()
    first.join()
    assert statuses == [200]
    assert client.post(PREDICT, content=b"x" * 501).status_code == 200
    assert client.service.held_bytes == 0


def test_what_is_refused_holds_nothing(make_client, quick: HeldPredictor) -> None:
    client = make_client(predictor=quick, max_bytes=1000)

    def parts() -> Iterator[bytes]:
        yield from [b"x" * 300] * 5

    assert client.post(PREDICT, content=parts()).status_code == 413
    assert client.post(PREDICT, content=b"{", headers={"Content-Type": JSON}).status_code == 400
    assert client.service.held_bytes == 0


def test_compressed_bodies_are_refused(make_client, quick: HeldPredictor) -> None:
    headers = {"Content-Encoding": "gzip"}
    response = make_client(predictor=quick).post(PREDICT, content=b"x", headers=headers)
    assert response.status_code == 415
    assert "Content-Encoding" in response.json()["error"]
