"""What is said of containers without pictures."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.data.sources.registry import notes, open_source

Archive = Callable[..., Path]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


def test_an_archive_in_an_archive_is_named(
    tmp_path: Path, zip_of: Archive, tar_of: Archive, write_folder: Folder
) -> None:
    files = {"UTKFace.tar.gz": b"x", ".DS_Store": b""}
    for path in (
        zip_of(tmp_path / "a.zip", files),
        tar_of(tmp_path / "a.tar", files),
        write_folder(tmp_path / "folder", files),
    ):
        with pytest.raises(
            DataError, match=r"holds UTKFace\.tar\.gz, but no pictures; unpack that"
        ):
            open_source(path)
    parts = {f"part{part}.zip": b"x" for part in range(5)}
    with pytest.raises(DataError, match=r"part2\.zip and 2 more archives, .*unpack them"):
        open_source(zip_of(tmp_path / "b.zip", parts))


def test_other_files_are_counted(tmp_path: Path, write_folder: Folder) -> None:
    files = {"a.npy": b"", "b.npy": b"", "c.mp4": b"", "README": b""}
    with pytest.raises(DataError, match=r"holds 4 files, none of them a picture: \.npy \(2\)"):
        open_source(write_folder(tmp_path, files))


@pytest.mark.parametrize("table", [None, b"path,age,gender\n1_0_0_1.png,1,male\n"])
def test_an_archive_among_pictures_is_not_passed_over_in_silence(
    tmp_path: Path,
    zip_of: Archive,
    write_folder: Folder,
    picture: Callable[..., bytes],
    table: bytes | None,
) -> None:
    files = {"set/1_0_0_1.png": picture(0), "set/part2.tar.gz": b"x", "set/.cache.zip": b"x"}
    if table is not None:
        files["set/labels.csv"] = table
    for path in (zip_of(tmp_path / "a.zip", files), write_folder(tmp_path / "folder", files)):
        source = open_source(path)
        (note,) = notes(source)
        assert note == (
            f"{path}: set/part2.tar.gz among the pictures is not opened; unpack it to use what it "
            "holds"
        )
        assert [entry.problem for entry in source.entries()] == [None]


def test_a_spreadsheet_among_pictures_without_labels_is_named(
    tmp_path: Path, write_folder: Folder, picture: Callable[..., bytes]
) -> None:
    files = {"a.png": picture(0), "labels.xlsx": b"x", "~$labels.xlsx": b"x"}
    source = open_source(write_folder(tmp_path, files))
    assert f"{tmp_path}: labels.xlsx is not read, because it is an Excel workbook; save the" in (
        "\n".join(notes(source))
    )
