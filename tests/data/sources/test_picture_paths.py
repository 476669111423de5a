"""Where the paths of label files start."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.data.sources.base import Entry
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source

Folder = Callable[[Path, Mapping[str, bytes]], Path]
Archive = Callable[..., Path]


def entries_of(path: Path, labels: Path | None = None) -> list[Entry]:
    return list(open_source(path, SourceOptions(labels=labels)).entries())


def labelled(path: Path, labels: Path | None = None) -> dict[bytes, int | None]:
    """The age of each picture, by its content."""
    found = entries_of(path, labels)
    return {entry.content: entry.label.age for entry in found if entry.label is not None}


@pytest.mark.parametrize(
    "written",
    [
        "images/0.jpg",
        "./images/0.jpg",
        "images\\0.jpg",
        "0.jpg",
        "IMAGES/0.JPG",
        "data/faces/0.jpg",
        "../somewhere/0.jpg",
        "/home/somebody/images/0.jpg",
        "C:\\Users\\somebody\\images\\0.jpg",
        "0",
        "images/0",
        "images/%30.jpg",
        "https://example.org/images/%30.jpg",
    ],
)
def test_a_label_file_beside_or_inside_the_pictures(
    tmp_path: Path, write_folder: Folder, written: str
) -> None:
    content = f"path,age,gender\n{written},25,f\n".encode()
    write_folder(tmp_path, {"labels.csv": content, "images/0.jpg": b"A", "images/1.jpg": b"B"})
    assert labelled(tmp_path) == {b"A": 25}
    assert labelled(tmp_path / "images", tmp_path / "labels.csv") == {b"A": 25}
    assert labelled(tmp_path / "labels.csv") == {b"A": 25}


def test_relative_paths_may_leave_the_folder_of_the_file_but_not_the_source(
    tmp_path: Path, write_folder: Folder
) -> None:
    files = {
        "set/meta/labels.csv": b"path,age,gender\n../faces/a.jpg,25,f\n../../secret.jpg,26,f\n",
        "set/faces/a.jpg": b"A",
        "secret.jpg": b"S",
    }
    write_folder(tmp_path, files)
    found = entries_of(tmp_path / "set", tmp_path / "set/meta/labels.csv")
    assert [entry.content for entry in found if entry.label] == [b"A"]
    (left,) = [entry for entry in found if entry.label is None]
    assert "leaves the data set" in str(left.problem)


def test_the_same_name_in_two_folders_is_not_guessed(tmp_path: Path, write_folder: Folder) -> None:
    table = b"path,age,gender\nx/1.jpg,25,f\n"
    write_folder(tmp_path, {"labels.csv": table, "a/1.jpg": b"A", "b/1.jpg": b"B"})
    assert labelled(tmp_path) == {}
    (missing,) = [e for e in entries_of(tmp_path) if e.problem != "not in the manifest"]
    assert missing.problem == (
        "listed in the manifest but missing (labels.csv line 2); tried x/1.jpg and the name alone "
        "(2 pictures are named 1.jpg)"
    )


def test_two_rows_of_one_name_are_not_guessed(tmp_path: Path, write_folder: Folder) -> None:
    table = b"path,age,gender\nanna/1.jpg,25,f\nben/1.jpg,30,m\n"
    write_folder(tmp_path, {"labels.csv": table, "anna/1.jpg": b"A"})
    assert labelled(tmp_path) == {b"A": 25}


def test_train_and_val_of_one_name_are_different_pictures(
    tmp_path: Path, write_folder: Folder
) -> None:
    files = {"train.csv": b"file,age,gender\ntrain/1.jpg,25,f\n", "val/1.jpg": b"V"}
    write_folder(tmp_path, files)
    assert labelled(tmp_path / "val", tmp_path / "train.csv") == {}


def test_names_match_whatever_their_composition(tmp_path: Path, write_folder: Folder) -> None:
    composed, decomposed = "caf\u00e9.jpg", "cafe\u0301.jpg"
    table = f"path,age,gender\n{composed},25,f\n".encode()
    write_folder(tmp_path, {"labels.csv": table, decomposed: b"A"})
    assert labelled(tmp_path) == {b"A": 25}


def test_paths_of_an_archive(tmp_path: Path, zip_of: Archive, write_folder: Folder) -> None:
    table = b"file,age,gender\nimages/0.jpg,25,f\n"
    files = {"set/meta/train.csv": table, "set/images/0.jpg": b"A"}
    assert labelled(zip_of(tmp_path / "a.zip", files)) == {b"A": 25}
    write_folder(tmp_path, {"t.csv": table})
    assert labelled(tmp_path / "a.zip", tmp_path / "t.csv") == {b"A": 25}
