import io
import os
import random
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError, UsageError
from utkage.data import sources
from utkage.data.sources import Entry, open_source

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]
NAME = "25_1_2_20170116174525125.jpg.chip.jpg"


def tar_of(path: Path, files: Mapping[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def zip_of(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read(path: Path) -> list[Entry]:
    return list(open_source(path).entries())


@pytest.fixture
def files(picture: Picture) -> dict[str, bytes]:
    names = ["UTKFace/1_0_0_1.jpg", "UTKFace/2_1_3_22.jpg", "UTKFace/deep/9_1_4_333.PNG"]
    return {
        **{name: picture(index) for index, name in enumerate(names)},
        "UTKFace/readme.txt": b"not a picture",
        "UTKFace/._1_0_0_1.jpg": b"resource fork of macOS",
        "__MACOSX/UTKFace/._2_1_3_22.jpg": b"resource fork of macOS",
        ".DS_Store": b"x",
    }


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_every_kind_gives_the_same_entries(
    tmp_path: Path, files: dict[str, bytes], write_folder: Folder, kind: str
) -> None:
    folder = write_folder(tmp_path / "UTKFace", files)
    path = tmp_path / f"UTKFace.{kind}"
    if kind == "zip":
        zip_of(path, files)
    else:
        tar_of(path, files, {"tar": "w"}.get(kind, f"w:{kind[4:]}"))
    source, expected = open_source(path), read(folder)
    found = list(source.entries())
    assert source.name == open_source(folder).name == "UTKFace"
    assert [(entry.name, entry.content, entry.problem) for entry in found] == [
        (entry.name, entry.content, entry.problem) for entry in expected
    ]
    assert [entry.name for entry in found] == ["1_0_0_1.jpg", "2_1_3_22.jpg", "9_1_4_333.PNG"]
    positions = [entry.position for entry in found]
    assert positions == sorted(positions)
    assert 0 < positions[-1] <= source.total_bytes
    assert list(source.entries()) == found, "a source can be read again"


def test_a_folder_comes_sorted_whatever_the_order_of_writing(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    names = [f"{age}_0_0_{age}.jpg" for age in range(12)]
    for seed in range(2):
        shuffled = random.Random(seed).sample(names, len(names))
        write_folder(tmp_path / str(seed), {name: picture(0) for name in shuffled})
    assert [entry.name for entry in read(tmp_path / "0")] == sorted(names)
    assert read(tmp_path / "0") == read(tmp_path / "1")


def test_hostile_tar_members_are_reported_or_harmless(
    tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"do not read")
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    monkeypatch.setattr(sources, "MAX_ENTRY_BYTES", 20_000)
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
    found = {entry.name: entry for entry in read(path)}
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
    tmp_path: Path, write_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_ENTRY_BYTES", 100)
    files = {"1_0_0_1.jpg": b"x" * 101, "2_0_0_2.jpg": b"x" * 100}
    for path in (zip_of(tmp_path / "a.zip", files), write_folder(tmp_path / "a", files)):
        large, fine = read(path)
        assert "101 bytes is over the limit of 100" in str(large.problem)
        assert large.content == b""
        assert fine.problem is None
        assert len(fine.content) == 100


def test_a_tar_header_that_lies_about_its_size(tmp_path: Path) -> None:
    member = tarfile.TarInfo(NAME)
    member.size = 2**40
    path = tmp_path / "liar.tar"
    path.write_bytes(member.tobuf() + b"x" * 1024)
    source = open_source(path)
    with pytest.raises(DataError, match=r"liar\.tar"):
        list(source.entries())


def test_names_from_a_zip_are_only_labels(tmp_path: Path, picture: Picture) -> None:
    path = zip_of(tmp_path / "a.zip", {f"../../{NAME}": picture(1), f"/etc/{NAME}": picture(2)})
    before = sorted(tmp_path.rglob("*"))
    assert [entry.name for entry in read(path)] == [NAME, NAME]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_a_truncated_tar_is_never_taken_for_a_whole_one(
    tmp_path: Path, picture: Picture, compression: str
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


def test_a_damaged_header_does_not_end_a_tar_silently(tmp_path: Path, picture: Picture) -> None:
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
def test_a_damaged_zip_is_a_data_error(tmp_path: Path, picture: Picture, method: int) -> None:
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


def test_a_truncated_zip_is_a_data_error(tmp_path: Path, picture: Picture) -> None:
    path = zip_of(tmp_path / "a.zip", {NAME: picture(0)})
    whole = path.read_bytes()
    for cut in (4, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=r"a\.zip"):
            read(path)


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
    assert found.get("7_0_0_7.jpg", Entry("", b"", 0, "left out")).problem is not None


def test_missing_paths_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder or archive"):
        open_source(tmp_path / "nowhere")
    text = tmp_path / "notes.txt"
    text.write_text("hello\n" * 500)
    with pytest.raises(DataError, match=r"notes\.txt: neither"):
        open_source(text)
    text.write_bytes(b"")
    with pytest.raises(DataError, match=r"notes\.txt"):
        read(text)


def test_an_empty_folder_has_no_entries(tmp_path: Path) -> None:
    assert read(tmp_path) == []


def test_names_can_be_written_down_as_utf8(tmp_path: Path, picture: Picture) -> None:
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
