"""Paths inside containers."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_files import read_entries

from utkage.images.containers.container import clean_path

Archive = Callable[..., Path]


Picture = Callable[..., bytes]


def test_names_can_be_written_down_as_utf8(
    tmp_path: Path, picture: Picture, tar_of: Archive
) -> None:
    name = b"caf\xe9_1.jpg"
    tar = tar_of(tmp_path / "a.tar", {name.decode("utf-8", "surrogateescape"): picture(0)})
    folder = tmp_path / "a"
    folder.mkdir()
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(picture(0))
    except (OSError, UnicodeError):
        pytest.skip("this file system has Unicode names only")
    for path in (tar, folder):
        (entry,) = read_entries(path)
        assert "caf" in entry.name
        entry.name.encode("utf-8")


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe.jpg", b"a\x1b[31m.jpg", b"a\nb.jpg", b"\xe2\x80\xae.jpg", b"\r.jpg"]
)
def test_odd_names_are_printable(tmp_path: Path, tar_of: Archive, raw: bytes) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    (entry,) = read_entries(tar_of(tmp_path / "a.tar", {name: b"x"}))
    assert entry.name.isprintable()
    assert entry.problem is not None
    assert entry.problem.isprintable()


@given(st.text(max_size=30))
def test_clean_paths_stay_inside(path: str) -> None:
    clean = clean_path(path)
    assert clean.isprintable()
    assert not clean.startswith("/")
    assert ".." not in clean.split("/")
    assert clean_path(clean) == clean
