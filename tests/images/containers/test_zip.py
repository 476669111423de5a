"""Zip archives: names, kinds of members, and damage."""

import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from source_files import CHIP_NAME, read_entries

from utkage.core.errors import DataError
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits
from utkage.images.containers.picture_files import pictures_in

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


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_member_unpacks_to_no_more_than_it_claims(
    tmp_path: Path, zip_of: Archive, method: int
) -> None:
    path = zip_of(tmp_path / "a.zip", {CHIP_NAME: bytes(1 << 26)}, method)
    content = bytearray(path.read_bytes())
    # Its size in the directory.
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + 24, 1000)
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(DataError, match="CRC"):
        read_entries(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 25


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_member_leaves_the_others(
    tmp_path: Path, picture: Picture, zip_of: Archive, method: int
) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg"]
    path = zip_of(tmp_path / "a.zip", {name: picture(0) for name in names}, method)
    content = bytearray(path.read_bytes())
    # In the content of the second member.
    content[content.find(b"b.jpg") + 30] ^= 0xFF
    path.write_bytes(content)
    for wanted in (names, names[1:], names[2:]):
        found = list(pictures_in(path, Limits(), wanted.__contains__))
        assert [each.path for each in found if isinstance(each, RawFile)] == wanted
        problems = [each.problem for each in found if isinstance(each, RawFile) and each.problem]
        assert len(problems) == ("b.jpg" in wanted)
        assert all("cannot be read from the archive" in problem for problem in problems)


def test_limits_count_members_that_are_not_read(tmp_path: Path, zip_of: Archive) -> None:
    # Otherwise an archive would end in one shard, and not in another.
    path = zip_of(tmp_path / "a.zip", {"a.jpg": bytes(5000), "b.jpg": b"x"})
    with pytest.raises(DataError, match="more than 100 bytes"):
        list(pictures_in(path, Limits(max_total_bytes=100), lambda inner: inner == "b.jpg"))


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_empty_pictures_end_all_shards(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, kind: str
) -> None:
    files = {f"{number}.jpg": b"" for number in range(1001)} | {"last.jpg": b"x" * 5000}
    path = {"tar": tar_of, "zip": zip_of}[kind](tmp_path / "a", files)
    for wanted in ("0.jpg", "last.jpg"):
        with pytest.raises(DataError, match="its first"):
            list(pictures_in(path, Limits(), lambda inner, w=wanted: inner == w))
