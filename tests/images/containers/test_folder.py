"""Folders: order, links, and files that cannot be read."""

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from source_files import read_entries

from utkage.core.errors import DataError
from utkage.data.sources.registry import open_source

Picture = Callable[..., bytes]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


def test_a_folder_comes_sorted_whatever_the_order_of_writing(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    names = [f"{age}_0_0_{age}.jpg" for age in range(12)]
    for seed in range(2):
        shuffled = random.Random(seed).sample(names, len(names))
        write_folder(tmp_path / str(seed), {name: picture(0) for name in shuffled})
    assert [entry.name for entry in read_entries(tmp_path / "0")] == sorted(names)
    assert read_entries(tmp_path / "0") == read_entries(tmp_path / "1")


def test_an_empty_folder_has_no_entries(tmp_path: Path) -> None:
    assert read_entries(tmp_path) == []


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
    found = {entry.name: entry for entry in read_entries(folder)}
    assert found["1_0_0_1.jpg"].problem is None
    assert found["3_0_0_3.jpg"].content == found["1_0_0_1.jpg"].content
    for name in ("2_0_0_2.jpg", "5_0_0_5.jpg"):
        assert found[name].problem == "a link that leaves the folder"
        assert found[name].content == b""
    for name in ("4_0_0_4.jpg", "6_0_0_6.jpg"):
        assert found[name].problem == "not a plain file"
    assert found["7_0_0_7.jpg"].problem == "a link that leaves the folder"
    assert found["7_0_0_7.jpg"].content == b""


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_linked_folders_inside_are_read_once(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    write_folder(tmp_path, {"real/1_0_0_1.jpg": picture(1)})
    (tmp_path / "again").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "real" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert [(entry.name, entry.problem) for entry in read_entries(tmp_path)] == [
        ("1_0_0_1.jpg", None)
    ]


@pytest.mark.parametrize("manifest", [False, True])
def test_an_unreadable_subfolder_is_reported(
    tmp_path: Path,
    picture: Picture,
    write_folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    manifest: bool,
) -> None:
    write_folder(tmp_path, {"1_0_0_1.jpg": picture(1), "lost+found/2_0_0_2.jpg": picture(2)})
    if manifest:
        (tmp_path / "labels.csv").write_text("path,age,gender\n1_0_0_1.jpg,1,0\n")
    scan = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert [(entry.name, entry.problem) for entry in read_entries(tmp_path)] == [
        ("1_0_0_1.jpg", None),
        ("lost+found", "folder cannot be read (Permission denied)"),
    ]


def test_a_link_that_goes_round_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "1_0_0_1.jpg").symlink_to(tmp_path / "2_0_0_2.jpg")
    (tmp_path / "2_0_0_2.jpg").symlink_to(tmp_path / "1_0_0_1.jpg")
    assert [entry.problem for entry in read_entries(tmp_path)] == ["not a plain file"] * 2


def test_a_manifest_that_is_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("path,age,gender\n")
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "labels.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="a link that leaves the folder"):
        open_source(folder)
