import os
import unicodedata
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.images.discover import expand_inputs, list_inputs, natural_key
from utkage.images.folders import as_on_disk


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


def linked(album, name, target):
    try:
        (album / name).symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")


def test_linked_folders_are_entered_once(album, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "new.jpg").touch()
    linked(album, "a link", elsewhere)
    linked(album, "another link", elsewhere)
    linked(album, "0", album / "sub")
    linked(elsewhere, "round", album)
    linked(elsewhere, "upwards", "..")
    found = names(expand_inputs([album]), album)
    assert found == ["1.png", "2.JPG", "10.jpg", "a link/new.jpg", "sub/b.webp", "sub/deep/a.tiff"]
    listed = list_inputs([album], follow_links=False)
    assert names([file.path for file in listed.files], album) == [*found[:3], *found[4:]]
    assert "3 linked folders (0, ...)" in listed.note


def test_other_endings_are_judged_by_their_content(tmp_path):
    jpeg = b"\xff\xd8\xff\xe0"
    for name in ("a.jfif", "b.jpe", "c.ppm", "d.pgm", "e.mpo", "f.jxl", "g.heic", "h.JPG_LARGE"):
        (tmp_path / name).write_bytes(jpeg)
    (tmp_path / "i").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "BM.txt").write_bytes(b"BM and then a text that is long enough")
    (tmp_path / "raw.NEF").write_bytes(b"II*\0")
    (tmp_path / "clip.mp4").write_bytes(bytes(20))
    os.mkfifo(tmp_path / "pipe")
    listed = list_inputs([tmp_path])
    assert [file.path.name[0] for file in listed.files] == list("abcdefghi")
    assert "2 other files" in listed.note
    assert "1 raw photograph (raw.NEF)" in listed.note
    assert listed.note.startswith("skipped 2 other files (BM.txt, ...), 1 ")
    assert "1 video (clip.mp4)" in listed.note


def test_an_unreadable_subfolder_is_listed_with_the_reason(album, monkeypatch):
    scan = os.scandir

    def refuse(folder):
        if Path(folder).name == "sub":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    listed = list_inputs([album, album / "sub"]).files
    assert names([file.path for file in listed], album) == ["1.png", "2.JPG", "10.jpg", "sub"]
    problems = [file.problem for file in listed]
    assert problems == [None] * 3 + [f"{album / 'sub'}: folder cannot be read (Permission denied)"]


def videos_of(given):
    return [file.path for file in list_inputs(given, videos=True).videos]


def test_a_folder_with_only_videos_says_so(tmp_path):
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(UsageError, match=r"no file to read.*1 video \(clip\.mp4\)"):
        expand_inputs([tmp_path])
    assert videos_of([tmp_path]) == [tmp_path / "clip.mp4"]


def test_videos_are_listed_where_they_are_wanted(album, tmp_path):
    for name in ("2.mp4", "10.MOV", "sub/a.webm"):
        (album / name).touch()
    listed = list_inputs([album, album / "2.mp4", tmp_path / "gone.avi"], videos=True)
    videos = [file.path for file in listed.videos]
    assert names(videos[:-1], album) == ["2.mp4", "10.MOV", "sub/a.webm"]
    assert videos[-1] == tmp_path / "gone.avi"
    assert [file.path for file in listed.files] == expand_inputs([album])
    assert "3 videos" in list_inputs([album]).note
    assert "video" not in listed.note
    assert videos_of([album / "*.mp4"]) == [album / "2.mp4"]


def test_names_that_are_too_long_do_not_stop_the_others(album):
    too_long = [album / ("x" * 300 + ".jpg"), album / ("?" * 300), Path("y" * 300) / "a.jpg"]
    assert expand_inputs([too_long[0], too_long[2], album])[:2] == [too_long[0], too_long[2]]
    with pytest.raises(UsageError, match="matches no file"):
        expand_inputs([too_long[1]])


def test_names_differ_only_in_composition(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Zoë/é.jpg") for form in ("NFC", "NFD"))
    (tmp_path / decomposed).parent.mkdir()
    (tmp_path / decomposed).touch()
    assert expand_inputs([tmp_path / Path(composed).parent]) == [tmp_path / decomposed]
    assert expand_inputs([tmp_path / composed]) == [tmp_path / decomposed]
    assert as_on_disk(tmp_path / "ä.jpg") == tmp_path / "ä.jpg"


def test_nothing_in_nothing_out():
    assert expand_inputs([]) == []


def test_natural_key_orders_numbers_by_value():
    ordered = ["a01", "a1", "a1b", "a2", "a10", "b"]
    shuffled = [ordered[at] for at in (3, 5, 0, 4, 2, 1)]
    assert sorted(shuffled, key=natural_key) == ordered
