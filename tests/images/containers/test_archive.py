"""Tar and zip archives alike: the same entries from both, and members under odd names."""

import hashlib
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from progress_recorder import ProgressRecorder
from source_files import CHIP_NAME, read_entries

from utkage.data.sources.registry import open_container, open_source
from utkage.images.containers.limits import Limits

Archive = Callable[..., Path]


Picture = Callable[..., bytes]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


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
    tmp_path: Path,
    files: dict[str, bytes],
    write_folder: Folder,
    kind: str,
    tar_of: Archive,
    zip_of: Archive,
) -> None:
    folder = write_folder(tmp_path / "UTKFace", files)
    path = tmp_path / f"UTKFace.{kind}"
    if kind == "zip":
        zip_of(path, files)
    else:
        tar_of(path, files, {"tar": "w"}.get(kind, f"w:{kind[4:]}"))
    source, expected = open_source(path), read_entries(folder)
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


def test_empty_files_come_as_they_are(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, write_folder: Folder
) -> None:
    files = {CHIP_NAME: b""}
    for path in (
        tar_of(tmp_path / "a.tar", files),
        zip_of(tmp_path / "a.zip", files),
        write_folder(tmp_path / "a", files),
    ):
        (entry,) = read_entries(path)
        assert (entry.content, entry.problem) == (b"", None)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_name_both_come(tmp_path: Path) -> None:
    tar, zipped = tmp_path / "a.tar", tmp_path / "a.zip"
    with tarfile.open(tar, "w") as archive, zipfile.ZipFile(zipped, "w") as other:
        for content in (b"first", b"second"):
            member = tarfile.TarInfo(CHIP_NAME)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            other.writestr(CHIP_NAME, content)
    for path in (tar, zipped):
        assert [entry.content for entry in read_entries(path)] == [b"first", b"second"]


def test_archives_within_archives_are_left_alone(
    tmp_path: Path, picture: Picture, tar_of: Archive, zip_of: Archive
) -> None:
    inner_zip = zip_of(tmp_path / "inner.zip", {"9_0_0_9.jpg": picture(9)}).read_bytes()
    inner_tar = tar_of(tmp_path / "inner.tar", {"8_0_0_8.jpg": picture(8)}).read_bytes()
    files = {"1_0_0_1.jpg": picture(1), "inner.tar": inner_tar, "inner.zip": inner_zip}
    for path in (tar_of(tmp_path / "a.tar", files), zip_of(tmp_path / "a.zip", files)):
        assert [entry.name for entry in read_entries(path)] == ["1_0_0_1.jpg"]


def test_fingerprints_change_with_the_input(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, write_folder: Folder
) -> None:
    for change in range(3):
        files = {"1_0_0_1.jpg": b"A" if change < 2 else b"BB", ".DS_Store": b"x" * change}
        tar_of(tmp_path / f"{change}.tar", files)
        zip_of(tmp_path / f"{change}.zip", files)
        folder = write_folder(tmp_path / f"{change}", files)
        os.utime(folder / "1_0_0_1.jpg", (1, 1))
    prints = {
        kind: [open_source(tmp_path / f"{change}{kind}").fingerprint() for change in range(3)]
        for kind in (".tar", ".zip", "")
    }
    assert len({*prints[".tar"], *prints[".zip"]}) == 6
    assert prints[""][0] == prints[""][1] != prints[""][2]
    os.utime(tmp_path / "0" / "1_0_0_1.jpg", (1, 2))
    assert open_source(tmp_path / "0").fingerprint() != prints[""][0]
    assert all(re.fullmatch("[0-9a-f]{64}", value) for row in prints.values() for value in row)


def test_hashing_a_large_file_shows_its_progress(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3 * 1024**2 + 5)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1_0_0_1.jpg", content)
    (tmp_path / "labels.csv").write_text("pixels,age\n" + "1 2 3 4,5\n" * 200_000)
    for name in ("a.zip", "labels.csv"):
        recorder = ProgressRecorder()
        size = (tmp_path / name).stat().st_size
        container = open_container(tmp_path / name, Limits(), recorder)
        found = container.fingerprint()
        assert found == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert len(recorder.positions) == -(-size // 2**20)
        assert recorder.positions[-1] == size
