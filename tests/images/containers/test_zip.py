"""Zip archives: names, kinds of members, and damage."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from source_files import CHIP_NAME, read_entries

from utkage.core.errors import DataError

Archive = Callable[..., Path]


Picture = Callable[..., bytes]


def test_names_from_a_zip_are_only_labels(
    tmp_path: Path, picture: Picture, zip_of: Archive
) -> None:
    path = zip_of(
        tmp_path / "a.zip", {f"../../{CHIP_NAME}": picture(1), f"/etc/{CHIP_NAME}": picture(2)}
    )
    before = sorted(tmp_path.rglob("*"))
    assert [entry.name for entry in read_entries(path)] == [CHIP_NAME, CHIP_NAME]
    assert sorted(tmp_path.rglob("*")) == before


def test_kinds_of_zip_members(tmp_path: Path, picture: Picture) -> None:
    path = tmp_path / "a.zip"
    kinds = {1: stat.S_IFREG, 2: stat.S_IFLNK, 3: stat.S_IFIFO, 4: stat.S_IFCHR, 5: stat.S_IFBLK}
    with zipfile.ZipFile(path, "w") as archive:
        for age, kind in kinds.items():
            member = zipfile.ZipInfo(f"{age}_0_0_{age}.jpg")
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, picture(age) if age == 1 else "/etc/passwd")
    fine, *others = read_entries(path)
    assert fine.problem is None
    for entry in others:
        assert (entry.content, entry.problem) == (b"", "not a plain file")


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_zip_is_a_data_error(
    tmp_path: Path, picture: Picture, method: int, zip_of: Archive
) -> None:
    path = zip_of(tmp_path / "a.zip", {CHIP_NAME: picture(0)}, method)
    whole = path.read_bytes()
    # Behind the member's header; LZMA's own begins with a version that nobody reads.
    start = 30 + len(CHIP_NAME) + 9
    for place in range(start, start + 60, 7):
        content = bytearray(whole)
        content[place] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.zip"):
            read_entries(path)


def test_a_truncated_zip_is_a_data_error(tmp_path: Path, picture: Picture, zip_of: Archive) -> None:
    path = zip_of(tmp_path / "a.zip", {CHIP_NAME: picture(0)})
    whole = path.read_bytes()
    for cut in (4, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=r"a\.zip"):
            read_entries(path)
