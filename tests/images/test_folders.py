from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from utkage.images.folders import as_on_disk, is_folder, list_folder, walk_folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("b.jpg", "sub/a.jpg", "sub/deep/c.jpg", ".hidden/d.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(paths: tuple[Path, ...], root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in paths)


def test_everything_below_a_folder(tree: Path) -> None:
    listing = list_folder(tree)
    assert names(listing.files, tree) == [".hidden/d.jpg", "b.jpg", "sub/a.jpg", "sub/deep/c.jpg"]
    assert (listing.unreadable, listing.links) == ((), ())
    assert names(list_folder(tree, hidden=False).files, tree) == [
        "b.jpg",
        "sub/a.jpg",
        "sub/deep/c.jpg",
    ]


def test_the_listing_ends_after_a_number_of_files(tree: Path) -> None:
    assert len(list_folder(tree, max_files=0).files) < len(list_folder(tree).files)


def test_a_link_is_followed_once_and_a_loop_not_at_all(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "e.jpg").touch()
    (tree / "1").symlink_to(outside)
    (tree / "2").symlink_to(outside)
    (tree / "sub" / "up").symlink_to(tree)
    (tree / "inside").symlink_to(tree / "sub")
    (tree / "broken").symlink_to(tree / "nowhere")
    found = names(list_folder(tree, hidden=False).files, tree)
    assert found == ["1/e.jpg", "b.jpg", "broken", "sub/a.jpg", "sub/deep/c.jpg"]
    listing = list_folder(tree, hidden=False, follow_links=False)
    assert names(listing.files, tree) == ["b.jpg", "broken", "sub/a.jpg", "sub/deep/c.jpg"]
    assert names(listing.links, tree) == ["1", "2", "inside", "sub/up"]


def test_a_folder_that_cannot_be_read_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = list_folder(tree)
    assert listing.unreadable == ((tree / "sub", "folder cannot be read (Permission denied)"),)
    assert names(listing.files, tree) == [".hidden/d.jpg", "b.jpg"]


def test_a_walk_has_the_files_of_a_listing_in_order(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "loop").symlink_to(tree)
    (tree / "broken").symlink_to(tree / "nowhere")
    (tree / "closed").mkdir()
    scan = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    links: list[Path] = []
    problems: list[tuple[Path, str]] = []
    walk = walk_folder(tree, str, lambda *found: problems.append(found), on_link=links.append)
    found = tuple(walk)
    listing = list_folder(tree, hidden=False, follow_links=False)
    assert found == tuple(sorted(listing.files))
    assert tuple(links) == listing.links == (tree / "loop",)
    assert (
        tuple(problems)
        == listing.unreadable
        == ((tree / "closed", "folder cannot be read (Permission denied)"),)
    )


def test_a_walk_follows_links_as_a_listing_does(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for name in ("deep/er/1.jpg", "2.jpg", ".hidden/3.jpg"):
        path = outside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (outside / "back").symlink_to(tree)
    (outside / "up").symlink_to(tmp_path)
    (outside / "deep" / "round").symlink_to(outside)
    (tree / "1").symlink_to(outside)
    (tree / "2").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    # Folders have the path without a link, where there is one.
    (tree / "0").symlink_to(tree / "sub")
    # The only way to a folder that is hidden.
    (tree / "shown").symlink_to(tree / ".hidden")
    found = list(walk_folder(tree, str, pytest.fail))
    listing = list_folder(tree, hidden=False)
    assert found == sorted(listing.files)
    assert {"1/deep/er/1.jpg", "shown/d.jpg"} <= {str(path.relative_to(tree)) for path in found}
    # A folder that is named by a link is the same.
    (tmp_path / "named").symlink_to(tree)
    assert len(list(walk_folder(tmp_path / "named", str, pytest.fail))) == len(found)


def test_a_name_that_is_too_long_is_no_folder(tree: Path) -> None:
    assert is_folder(tree)
    assert not is_folder(tree / "b.jpg")
    assert not is_folder(tree / ("x" * 5000))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_composed_otherwise_is_found(tmp_path: Path, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    folder = tmp_path / unicodedata.normalize(form, "é")
    folder.mkdir()
    path = folder / unicodedata.normalize(form, "ü.jpg")
    path.touch()
    wanted = tmp_path / unicodedata.normalize(other, "é") / unicodedata.normalize(other, "ü.jpg")
    found = as_on_disk(wanted)
    assert os.path.lexists(found)
    assert found.samefile(path)
    assert as_on_disk(path) == path


def test_a_path_that_nothing_resembles_stays_as_it_is(tmp_path: Path) -> None:
    assert as_on_disk(tmp_path / "ä.jpg") == tmp_path / "ä.jpg"
    assert as_on_disk(tmp_path / "none" / "ä.jpg") == tmp_path / "none" / "ä.jpg"
