"""Zip archives with more than the usual: zip64, encryption, rare methods, several files."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.images.containers.archive_files import open_archive
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits

NAMES = ("25_1_0_a.jpg", "26_0_0_b.jpg", "27_1_0_c.jpg")
DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"


@pytest.fixture
def archive(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name in NAMES:
            made.writestr(name, picture(7))
    return path


def files(path: Path) -> list[RawFile]:
    return list(open_archive(path, Limits()).files(skip_damaged=True))


def change_members(path: Path, places: tuple[int, int], value: int, *names: str) -> None:
    """Set two bytes in the directory entry and in the header of members."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as made:
        headers = {info.filename: info.header_offset for info in made.infolist()}
    at = content.find(DIRECTORY)
    for name in NAMES:
        if name in names:
            struct.pack_into("<H", content, at + places[0], value)
            struct.pack_into("<H", content, headers[name] + places[1], value)
        at = content.find(DIRECTORY, at + 4)
    path.write_bytes(content)


FLAGS, METHOD = (8, 6), (10, 8)


def test_encrypted_members_are_named_so_and_the_others_are_read(archive: Path) -> None:
    change_members(archive, FLAGS, 1, NAMES[1])
    first, second, third = files(archive)
    assert first.problem is None
    assert third.problem is None
    assert second.problem == "encrypted; unpack the archive with its password, and use the folder"
    # Training data is read without `skip_damaged`.
    assert [found.problem for found in open_archive(archive, Limits()).files()][1] == second.problem


@pytest.mark.parametrize("method", [9, 93, 99])
def test_methods_that_python_cannot_unpack(archive: Path, method: int) -> None:
    change_members(archive, METHOD, method, *NAMES)
    for found in open_archive(archive, Limits()).files():
        assert found.problem is not None
        assert f"method {method}, which Python cannot unpack" in found.problem


def test_zip64(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as made, pytest.MonkeyPatch.context() as patched:
        # The directory, too, is of the form for more than 65,535 members.
        patched.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
        for name in NAMES:
            with made.open(name, "w", force_zip64=True) as member:
                member.write(picture(7))
        made.close()
    assert b"PK\x06\x06" in path.read_bytes()
    assert [(found.path, found.problem) for found in files(path)] == [(n, None) for n in NAMES]


def test_a_part_of_a_split_archive(archive: Path, tmp_path: Path) -> None:
    content = bytearray(b"PK\x07\x08" + archive.read_bytes())
    end = content.rfind(END)
    # Number of this part, and of the one in which the directory begins.
    struct.pack_into("<HH", content, end + 4, 2, 2)
    third = len(content) // 3
    parts = {"z01": content[:third], "z02": content[third : 2 * third], "001": content[:third]}
    parts["zip"] = content[2 * third :]
    for suffix, part in parts.items():
        path = tmp_path / f"part.{suffix}"
        path.write_bytes(part)
        with pytest.raises(DataError, match="split into several files; join them first"):
            files(path)


def test_a_zip64_archive_in_several_parts_is_refused(archive: Path) -> None:
    content = archive.read_bytes()
    end = content.rfind(END)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 1, end, 2)
    archive.write_bytes(content[:end] + locator + content[end:])
    with pytest.raises(DataError, match="split into several files"):
        files(archive)
