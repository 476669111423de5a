from __future__ import annotations

import base64
from pathlib import Path

import pytest

from utkage.reporting.page import data_uri, picture_uri


def test_content_inside_an_address() -> None:
    kind, _, text = data_uri(b"\x00\xffab", "image/png").partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(text) == b"\x00\xffab"


@pytest.mark.parametrize(
    ("name", "kind"), [("a.svg", "image/svg+xml"), ("a.png", "image/png"), ("a.jpg", "image/jpeg")]
)
def test_pictures_by_their_extension(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    assert picture_uri(tmp_path / name) == data_uri(b"content", kind)
