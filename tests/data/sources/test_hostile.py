import contextlib
import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utkage.core.errors import DataError
from utkage.data.sources import Entry, Limits, SourceOptions, open_source
from utkage.data.sources.container import clean_path

Archive = Callable[..., Path]
Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]
NAME = "25_1_2_20170116174525125.jpg.chip.jpg"


def read(path: Path, limits: Limits | None = None) -> list[Entry]:
    return list(open_source(path, SourceOptions(limits=limits or Limits())).entries())


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
    found = {entry.name: entry for entry in read(path, Limits(max_entry_bytes=20_000))}
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


def test_over_size_members_of_zip_and_folder(
    tmp_path: Path, write_folder: Folder, zip_of: Archive
) -> None:
    files = {"1_0_0_1.jpg": b"x" * 101, "2_0_0_2.jpg": b"x" * 100}
    for path in (zip_of(tmp_path / "a.zip", files), write_folder(tmp_path / "a", files)):
        large, fine = read(path, Limits(max_entry_bytes=100))
        assert "101 bytes is over the limit of 100" in str(large.problem)
        assert large.content == b""
        assert fine.problem is None
        assert len(fine.content) == 100


def test_names_from_a_zip_are_only_labels(
    tmp_path: Path, picture: Picture, zip_of: Archive
) -> None:
    path = zip_of(tmp_path / "a.zip", {f"../../{NAME}": picture(1), f"/etc/{NAME}": picture(2)})
    before = sorted(tmp_path.rglob("*"))
    assert [entry.name for entry in read(path)] == [NAME, NAME]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_links_of_a_folder(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(b"secret")
    folder = write_folder(tmp_path / "faces", {"1_0_0_1.jpg": picture(1)})
    (folder / "2_0_0_2.jpg").symlink_to(outside)
    (folder / "3_0_0_3.jpg").symlink_to(folder / "1_0_0_1.jpg")
    (folder / "4_0_0_4.jpg").symlink_to(folder / "nothing.jpg")
    (folder / "5_0_0_5.jpg").symlink_to("../secret.jpg")
    os.mkfifo(folder / "6_0_0_6.jpg")
    elsewhere = write_folder(tmp_path / "elsewhere", {"7_0_0_7.jpg": picture(7)})
    (folder / "linked").symlink_to(elsewhere, target_is_directory=True)
    found = {entry.name: entry for entry in read(folder)}
    assert found["1_0_0_1.jpg"].problem is None
    assert found["3_0_0_3.jpg"].content == found["1_0_0_1.jpg"].content
    for name in ("2_0_0_2.jpg", "5_0_0_5.jpg"):
        assert found[name].problem == "a link that leaves the folder"
        assert found[name].content == b""
    for name in ("4_0_0_4.jpg", "6_0_0_6.jpg"):
        assert found[name].problem == "not a plain file"
    assert "7_0_0_7.jpg" not in found


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
        (entry,) = read(path)
        assert "caf" in entry.name
        entry.name.encode("utf-8")


def test_kinds_of_zip_members(tmp_path: Path, picture: Picture) -> None:
    path = tmp_path / "a.zip"
    kinds = {1: stat.S_IFREG, 2: stat.S_IFLNK, 3: stat.S_IFIFO, 4: stat.S_IFCHR, 5: stat.S_IFBLK}
    with zipfile.ZipFile(path, "w") as archive:
        for age, kind in kinds.items():
            member = zipfile.ZipInfo(f"{age}_0_0_{age}.jpg")
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, picture(age) if age == 1 else "/etc/passwd")
    fine, *others = read(path)
    assert fine.problem is None
    for entry in others:
        assert (entry.content, entry.problem) == (b"", "not a plain file")


def test_a_link_that_goes_round_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "1_0_0_1.jpg").symlink_to(tmp_path / "2_0_0_2.jpg")
    (tmp_path / "2_0_0_2.jpg").symlink_to(tmp_path / "1_0_0_1.jpg")
    assert [entry.problem for entry in read(tmp_path)] == ["not a plain file"] * 2


def test_a_manifest_that_is_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("path,age,gender\n")
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "labels.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="a link that leaves the folder"):
        open_source(folder)


def test_empty_files_come_as_they_are(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, write_folder: Folder
) -> None:
    files = {NAME: b""}
    for path in (
        tar_of(tmp_path / "a.tar", files),
        zip_of(tmp_path / "a.zip", files),
        write_folder(tmp_path / "a", files),
    ):
        (entry,) = read(path)
        assert (entry.content, entry.problem) == (b"", None)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_name_both_come(tmp_path: Path) -> None:
    tar, zipped = tmp_path / "a.tar", tmp_path / "a.zip"
    with tarfile.open(tar, "w") as archive, zipfile.ZipFile(zipped, "w") as other:
        for content in (b"first", b"second"):
            member = tarfile.TarInfo(NAME)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            other.writestr(NAME, content)
    for path in (tar, zipped):
        assert [entry.content for entry in read(path)] == [b"first", b"second"]


def test_archives_within_archives_are_left_alone(
    tmp_path: Path, picture: Picture, tar_of: Archive, zip_of: Archive
) -> None:
    inner_zip = zip_of(tmp_path / "inner.zip", {"9_0_0_9.jpg": picture(9)}).read_bytes()
    inner_tar = tar_of(tmp_path / "inner.tar", {"8_0_0_8.jpg": picture(8)}).read_bytes()
    files = {"1_0_0_1.jpg": picture(1), "inner.tar": inner_tar, "inner.zip": inner_zip}
    for path in (tar_of(tmp_path / "a.tar", files), zip_of(tmp_path / "a.zip", files)):
        assert [entry.name for entry in read(path)] == ["1_0_0_1.jpg"]


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe.jpg", b"a\x1b[31m.jpg", b"a\nb.jpg", b"\xe2\x80\xae.jpg", b"\r.jpg"]
)
def test_odd_names_are_printable(tmp_path: Path, tar_of: Archive, raw: bytes) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    (entry,) = read(tar_of(tmp_path / "a.tar", {name: b"x"}))
    assert entry.name.isprintable()
    assert entry.problem is not None
    assert entry.problem.isprintable()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_clean_paths_stay_inside(path: str) -> None:
    clean = clean_path(path)
    assert clean.isprintable()
    assert not clean.startswith("/")
    assert ".." not in clean.split("/")
    assert clean_path(clean) == clean


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
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
            read(path)


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
        read(path)
