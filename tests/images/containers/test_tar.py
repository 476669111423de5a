"""Tar archives: hostile members, damage, and headers with wrong sizes."""

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_files import CHIP_NAME, read_entries

from utkage.core.errors import DataError
from utkage.data.sources.registry import open_source
from utkage.images.containers.limits import Limits

Archive = Callable[..., Path]


Picture = Callable[..., bytes]


def test_hostile_tar_members_are_reported_or_harmless(
    tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"do not read")
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    path = inside / "evil.tar.gz"
    plain = picture(0)
    with tarfile.open(path, "w:gz") as archive:

        def add(name: str, kind: bytes, link: str = "", content: bytes = b"") -> None:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, link, len(content)
            archive.addfile(member, io.BytesIO(content))

        add(f"{tmp_path}/absolute/1_0_0_1.jpg", tarfile.REGTYPE, content=plain)
        add("../../2_0_0_2.jpg", tarfile.REGTYPE, content=plain)
        add("3_0_0_3.jpg", tarfile.SYMTYPE, str(secret))
        add("4_0_0_4.jpg", tarfile.LNKTYPE, "../secret.jpg")
        add("5_0_0_5.jpg", tarfile.CHRTYPE)
        add("6_0_0_6.jpg", tarfile.BLKTYPE)
        add("7_0_0_7.jpg", tarfile.FIFOTYPE)
        add("8_0_0_8.jpg", tarfile.DIRTYPE)
        add("9_0_0_9.jpg", tarfile.REGTYPE, content=b"x" * 20_001)
        add("10_0_0_10.jpg", tarfile.REGTYPE, content=plain)
    before = sorted(tmp_path.rglob("*"))
    found = {entry.name: entry for entry in read_entries(path, Limits(max_entry_bytes=20_000))}
    assert sorted(tmp_path.rglob("*")) == before, "reading must not write anything"
    for name in ("1_0_0_1.jpg", "2_0_0_2.jpg", "10_0_0_10.jpg"):
        assert (found[name].content, found[name].problem) == (plain, None)
    for age in (3, 4, 5, 6, 7):
        entry = found[f"{age}_0_0_{age}.jpg"]
        assert (entry.content, entry.problem) == (b"", "not a plain file")
    assert "20001 bytes is over the limit" in str(found["9_0_0_9.jpg"].problem)
    assert found["9_0_0_9.jpg"].content == b""
    assert "8_0_0_8.jpg" not in found
    assert len(found) == 9


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_tar_with_damaged_bytes_is_read_or_refused(
    tmp_path: Path, tar_of: Archive, data: st.DataObject
) -> None:
    long = f"{'d' * 90}/{'e' * 90}/1_0_0_1.jpg"
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        path = tmp_path / f"{kind}.tar"
        with tarfile.open(path, "w", format=kind) as archive:
            for name in (long, "é2_0_0_2.jpg"):
                member = tarfile.TarInfo(name)
                member.size = 5
                archive.addfile(member, io.BytesIO(b"hello"))
        content = bytearray(path.read_bytes())[:6000]
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, 2600))] = data.draw(st.integers(0, 255))
        _fix_checksums(content)
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            read_entries(path)


def _fix_checksums(content: bytearray) -> None:
    # Otherwise tarfile refuses nearly every change at once.
    for start in range(0, len(content) - 511, 512):
        block = content[start : start + 512]
        if block[257:262] == b"ustar":
            content[start + 148 : start + 156] = b" " * 8
            total = sum(content[start : start + 512])
            content[start + 148 : start + 156] = b"%06o\0 " % total


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_an_extended_header_that_would_fill_the_memory(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, 2**32
    path.write_bytes(gzip.compress(tarfile.TarInfo("y").tobuf() + member.tobuf() + bytes(10_000)))
    with pytest.raises(DataError, match="extended header claims 4294967296 bytes"):
        read_entries(path)


def test_a_tar_header_that_lies_about_its_size(tmp_path: Path) -> None:
    member = tarfile.TarInfo(CHIP_NAME)
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
            read_entries(path)


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
        read_entries(path)


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_tar_is_unpacked_in_small_parts(
    tmp_path: Path, packed: Callable[[bytes], bytes]
) -> None:
    member = tarfile.TarInfo(CHIP_NAME)
    member.size = 1 << 26
    path = tmp_path / "a.tar.x"
    path.write_bytes(packed(member.tobuf() + bytes(1 << 26)))
    tracemalloc.start()
    with pytest.raises(DataError, match="times its size"):
        read_entries(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 24


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_that_was_packed_in_parts(
    tmp_path: Path, picture: Picture, tar_of: Archive, packed: Callable[[bytes], bytes]
) -> None:
    files = {f"{age}_0_0_{age}.jpg": picture(age) for age in range(3)}
    whole = tar_of(tmp_path / "a.tar", files).read_bytes()
    path = tmp_path / "a.tar.x"
    path.write_bytes(b"".join(packed(whole[i : i + 900]) for i in range(0, len(whole), 900)))
    assert [entry.content for entry in read_entries(path)] == list(files.values())


@pytest.mark.parametrize(("kind", "place"), [("gz", -6), ("bz2", -4), ("xz", -30)])
def test_the_checksum_of_a_packed_tar_is_checked(
    tmp_path: Path, picture: Picture, tar_of: Archive, kind: str, place: int
) -> None:
    path = tar_of(tmp_path / f"a.tar.{kind}", {CHIP_NAME: picture(0)}, f"w:{kind}")
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged archive"):
        read_entries(path)


@pytest.mark.parametrize("size", range(0, 24, 3))
@pytest.mark.parametrize("start", [b"\x1f\x8b\x08\x1c", b"BZh9", b"\xfd7zXZ\0"])
def test_a_packed_file_that_ends_at_once(tmp_path: Path, start: bytes, size: int) -> None:
    path = tmp_path / "a.tar.x"
    path.write_bytes((start + bytes(20))[:size])
    with pytest.raises(DataError):
        read_entries(path)
