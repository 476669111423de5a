import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.data.sources import Entry, Limits, SourceOptions, open_source

Archive = Callable[..., Path]
Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]
NAME = "25_1_2_20170116174525125.jpg.chip.jpg"


def read(path: Path, limits: Limits | None = None) -> list[Entry]:
    return list(open_source(path, SourceOptions(limits=limits or Limits())).entries())


def test_a_tar_header_that_lies_about_its_size(tmp_path: Path) -> None:
    member = tarfile.TarInfo(NAME)
    member.size = 2**40
    path = tmp_path / "liar.tar"
    path.write_bytes(member.tobuf() + b"x" * 1024)
    with pytest.raises(DataError, match=r"liar\.tar: .*impossible size"):
        open_source(path)


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_a_truncated_tar_is_never_taken_for_a_whole_one(
    tmp_path: Path, picture: Picture, compression: str, tar_of: Archive
) -> None:
    files = {f"{age}_0_0_{age}.jpg": picture(age) for age in range(6)}
    whole = tar_of(tmp_path / "whole", files, f"w:{compression}").read_bytes()
    # What follows the end-of-archive mark is padding, which nobody misses.
    end = len(whole) - 64
    if not compression:
        end = sum(512 + -(-len(content) // 512) * 512 for content in files.values()) - 1
    cuts = {*range(1, end, max(1, end // 40)), 10, 512, end}
    if not compression:
        cuts |= set(range(512, end, 512))
    path = tmp_path / "cut.tar"
    for cut in sorted(cuts):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=r"cut\.tar"):
            read(path)


def test_a_damaged_header_does_not_end_a_tar_silently(
    tmp_path: Path, picture: Picture, tar_of: Archive
) -> None:
    files = {f"{age}_0_0_{age}.jpg": picture(age) for age in range(3)}
    path = tar_of(tmp_path / "a.tar", files)
    content = bytearray(path.read_bytes())
    second = 512 + -(-len(files["0_0_0_0.jpg"]) // 512) * 512
    content[second : second + 4] = b"XXXX"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar"):
        read(path)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_zip_is_a_data_error(
    tmp_path: Path, picture: Picture, method: int, zip_of: Archive
) -> None:
    path = zip_of(tmp_path / "a.zip", {NAME: picture(0)}, method)
    whole = path.read_bytes()
    # Behind the member's header; LZMA's own begins with a version that nobody reads.
    start = 30 + len(NAME) + 9
    for place in range(start, start + 60, 7):
        content = bytearray(whole)
        content[place] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.zip"):
            read(path)


def test_a_truncated_zip_is_a_data_error(tmp_path: Path, picture: Picture, zip_of: Archive) -> None:
    path = zip_of(tmp_path / "a.zip", {NAME: picture(0)})
    whole = path.read_bytes()
    for cut in (4, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=r"a\.zip"):
            read(path)
