from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.images.discover import expand_inputs, natural_key


@pytest.fixture
def album(tmp_path):
    root = tmp_path / "album [2024]"
    for name in (
        "10.jpg", "2.JPG", "1.png", "notes.txt", ".hidden.jpg", ".cache/x.jpg",
        "sub/b.webp", "sub/deep/a.tiff", "sub/labels.csv",
    ):  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names(paths, root):
    return [path.relative_to(root).as_posix() for path in paths]


def test_folder_recursively_in_natural_order(album):
    found = expand_inputs([album])
    assert names(found, album) == ["1.png", "2.JPG", "10.jpg", "sub/b.webp", "sub/deep/a.tiff"]
    assert found == expand_inputs([str(album)])


def test_files_stand_for_themselves_even_if_missing_or_odd(album):
    given = [album / "missing.jpg", album / "notes.txt", album / ".hidden.jpg"]
    assert expand_inputs(given) == given


def test_order_is_kept_and_nothing_comes_twice(album):
    found = expand_inputs([album / "10.jpg", album, album / "sub" / ".." / "sub", album / "10.jpg"])
    assert names(found[:2], album) == ["10.jpg", "1.png"]
    assert len({path.resolve() for path in found[:5]}) == 5


def test_same_file_by_relative_and_absolute_path(album, monkeypatch):
    monkeypatch.chdir(album)
    assert expand_inputs(["10.jpg", album / "10.jpg", "./10.jpg"]) == [Path("10.jpg")]


def test_patterns(album, monkeypatch):
    assert names(expand_inputs([album / "*.jpg"]), album) == ["10.jpg"]
    assert names(expand_inputs([album / "?.png"]), album) == ["1.png"]
    assert names(expand_inputs([str(album / "[0-9].*")]), album) == ["1.png", "2.JPG"]
    assert names(expand_inputs([album / "**" / "*.t*"]), album) == ["sub/deep/a.tiff"]
    monkeypatch.chdir(album)
    assert expand_inputs(["*/*.webp"]) == [Path("sub/b.webp")]


def test_pattern_takes_pictures_and_folders_as_a_shell_would(album):
    everything = names(expand_inputs([album]), album)
    assert names(expand_inputs([album / "*"]), album) == everything
    assert names(expand_inputs([album / "**"]), album) == everything


def test_name_with_brackets_is_literal_when_it_exists(album):
    path = album / "face[1].jpg"
    path.touch()
    (album / "face1.jpg").touch()
    assert expand_inputs([path]) == [path]


def test_folder_or_pattern_without_pictures_is_a_usage_error(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="no file to read in this folder"):
        expand_inputs([tmp_path])
    with pytest.raises(UsageError, match=r"\*\.jpg: the pattern matches no file"):
        expand_inputs([tmp_path / "*.jpg"])
    with pytest.raises(UsageError, match="matches no file"):
        expand_inputs([tmp_path / "nowhere" / "**" / "*.jpg"])


def test_linked_folder_that_leads_back_is_not_followed(album):
    try:
        (album / "sub" / "back").symlink_to(album)
    except OSError:
        pytest.skip("no symbolic links here")
    assert len(expand_inputs([album])) == 5


def test_nothing_in_nothing_out():
    assert expand_inputs([]) == []


def test_natural_key_orders_numbers_by_value():
    ordered = ["a01", "a1", "a1b", "a2", "a10", "b"]
    shuffled = [ordered[at] for at in (3, 5, 0, 4, 2, 1)]
    assert sorted(shuffled, key=natural_key) == ordered
