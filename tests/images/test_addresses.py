from __future__ import annotations

import base64
from pathlib import Path

import pytest

from utkage.core.errors import ImageError
from utkage.images.addresses import data_content, data_name, is_data_uri, is_file_url, local_path


def test_kinds_of_addresses() -> None:
    assert is_data_uri("DATA:image/png;base64,AAAA")
    assert not is_data_uri("data:no comma")
    assert not is_data_uri("folder/data:a,b.jpg")
    assert is_file_url("FILE:///home/a.jpg")
    assert not is_file_url("a.file:///x")
    assert data_name("data:image/png;base64,AAAA") == "data:image/png;base64"


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", bytes(range(256)), b"??>>~~"])
def test_base64_in_the_spellings_of_programs(content: bytes) -> None:
    plain = base64.b64encode(content).decode()
    safe = base64.urlsafe_b64encode(content).decode()
    for body in (plain, safe, plain.rstrip("="), "\n".join(plain), f" {plain}\r\n"):
        assert data_content(f"data:image/png;Base64,{body}") == content


def test_without_base64_the_content_is_escaped() -> None:
    assert data_content("data:,a%20b%FF") == b"a b\xff"


@pytest.mark.parametrize("body", ["@@", "A", "AAAA=A"])
def test_damaged_base64_names_the_address_without_its_content(body: str) -> None:
    with pytest.raises(ImageError, match=r"^data:image/png;base64: damaged base64"):
        data_content(f"data:image/png;base64,{body}")


@pytest.mark.parametrize("name", ["a b.jpg", "ä 像.png", "100%.jpg", "a#b?.jpg"])
def test_paths_of_file_addresses(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert local_path(path.as_uri()) == str(path)
