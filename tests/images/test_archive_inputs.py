"""Archives and Parquet files among the inputs of ``predict``, and shards of all inputs."""

from __future__ import annotations

import io
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from utkage.core.errors import UsageError
from utkage.images.containers.limits import Limits
from utkage.images.inputs import Inputs, open_inputs
from utkage.images.shards import Shard

Archive = Callable[..., Path]
Picture = Callable[..., bytes]


def names_of(inputs: Inputs) -> list[str]:
    return [picture.name for picture in inputs.pictures]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def files(picture: Picture) -> dict[str, bytes]:
    return {f"{folder}/{name}.png": picture(name) for folder in "ab" for name in range(6)}


def test_pictures_in_archives_are_named_after_them(
    here: Path, tar_of: Archive, zip_of: Archive, files: dict[str, bytes]
) -> None:
    (here / "shards").mkdir()
    tar_of(here / "shards" / "0.tar", files)
    zip_of(here / "shards" / "1.zip", files)
    (here / "plain.png").write_bytes(files["a/0.png"])
    inputs = open_inputs(["shards/0.tar", "plain.png", "shards/1.zip", "shards/0.tar"])
    assert (inputs.total, inputs.listed) == (None, False)
    assert inputs.files == tuple(map(Path, ("shards/0.tar", "plain.png", "shards/1.zip")))
    pictures = list(inputs.pictures)
    assert [each.name for each in pictures] == [
        *(f"shards/0.tar/{name}" for name in files),
        "plain.png",
        *(f"shards/1.zip/{name}" for name in files),
    ]
    assert all(each.load().shape == (32, 32, 3) for each in pictures)


def test_patterns_match_archives_and_folders_skip_them(
    here: Path, tar_of: Archive, files: dict[str, bytes]
) -> None:
    (here / "set").mkdir()
    for number in (10, 9):
        tar_of(here / "set" / f"{number}.tar", {"x.png": files["a/0.png"]})
    assert names_of(open_inputs(["set/*.tar"])) == ["set/9.tar/x.png", "set/10.tar/x.png"]
    with pytest.raises(UsageError, match=r"no file to read.*2 archives \(10\.tar, \.\.\.; name"):
        open_inputs(["set"])
    (here / "set" / "a.png").write_bytes(files["a/0.png"])
    notes: list[str] = []
    inputs = open_inputs(["set"], on_skipped=notes.append)
    assert names_of(inputs) == [f"set{os.sep}a.png"]
    assert len(notes) == 1
    assert "2 archives" in notes[0]


def test_videos_in_archives_are_noted_where_they_are_skipped(
    here: Path, tar_of: Archive, files: dict[str, bytes]
) -> None:
    tar_of(here / "a.tar", {**files, "x/1.mp4": b"", "2.mov": b""})
    notes: list[str] = []
    inputs = open_inputs(["a.tar"], on_skipped=notes.append)
    assert len(names_of(inputs)) == len(files)
    assert notes == ["skipped 2 videos (a.tar/x/1.mp4, ...)"]
    of_shards = [
        open_inputs(["a.tar"], shard=Shard(index, 2), on_skipped=notes.append) for index in range(2)
    ]
    assert sum(len(names_of(inputs)) for inputs in of_shards) == len(files)
    assert sum(int(note.split()[1]) for note in notes[1:]) == 2
    wanted = open_inputs(["a.tar"], videos=True, on_skipped=notes.append)
    assert [each.name for each in wanted.pictures if each.is_video] == [
        "a.tar/x/1.mp4",
        "a.tar/2.mov",
    ]
    assert all("skipped" in note for note in notes)


def test_what_is_damaged_is_one_picture_with_a_problem(
    here: Path, tar_of: Archive, files: dict[str, bytes]
) -> None:
    whole = tar_of(here / "a.tar", files).read_bytes()
    (here / "cut.tar").write_bytes(whole[: len(whole) // 2])
    (here / "bad.zip").write_bytes(b"PK\x03\x04 no directory")
    tar_of(here / "none.tar", {"notes.txt": b""})
    pictures = list(open_inputs(["cut.tar", "bad.zip", "none.tar", "gone.tar", "a.tar"]).pictures)
    problems = {each.name: each.problem for each in pictures if each.problem}
    assert list(problems) == ["cut.tar", "bad.zip", "none.tar"]
    assert "damaged archive" in (problems["cut.tar"] or "")
    assert (problems["none.tar"] or "").startswith("none.tar: holds no picture")
    assert [each.name for each in pictures][-12:] == [f"a.tar/{name}" for name in files]
    assert any(each.name == "cut.tar/a/0.png" for each in pictures)
    assert any(each.name == "gone.tar" for each in pictures)


def test_limits_end_an_archive_and_not_the_others(
    here: Path, zip_of: Archive, files: dict[str, bytes]
) -> None:
    zip_of(here / "a.zip", files)
    zip_of(here / "b.zip", {"x.png": files["a/0.png"]})
    inputs = open_inputs(["a.zip", "b.zip"], limits=Limits(max_entries=3))
    found = list(inputs.pictures)
    assert [each.name for each in found][-2:] == ["a.zip", "b.zip/x.png"]
    assert "`max_entries`" in (found[-2].problem or "")


def test_stdin_lists_archives(here: Path, tar_of: Archive, files: dict[str, bytes]) -> None:
    tar_of(here / "a.tar", files)
    listed = io.BytesIO(b"a.tar\ngone.png\n")
    inputs = open_inputs(["-"], stdin=listed)
    assert names_of(inputs) == [*(f"a.tar/{name}" for name in files), "gone.png"]


def test_archives_and_lists_may_be_named_by_urls(
    here: Path, tar_of: Archive, files: dict[str, bytes]
) -> None:
    path = tar_of(here / "a b.tar", {"0.png": files["a/0.png"]})
    assert "%20" in path.as_uri()
    for inputs in (
        open_inputs([path.as_uri()]),
        open_inputs(["-"], stdin=io.BytesIO(path.as_uri().encode())),
    ):
        assert names_of(inputs) == [f"{path}/0.png"]
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (here / "x y.png").write_bytes(files["a/0.png"])
    urls = [(here / "x y.png").as_uri(), f"file:{here}/x%20y.png"]
    parquet.write_table(pyarrow.table({"url": urls}), here / "list.parquet")
    found = list(open_inputs(["list.parquet"]).pictures)
    assert [each.name for each in found] == [str(here / "x y.png")] * 2
    assert all(each.load().shape == (32, 32, 3) for each in found)


def test_parquet_with_paths(here: Path, files: dict[str, bytes]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (here / "set" / "a").mkdir(parents=True)
    (here / "set" / "a" / "0.png").write_bytes(files["a/0.png"])
    paths = ["a/0.png", "https://x.org/1.png", str(here / "gone.png"), None]
    parquet.write_table(pyarrow.table({"path": paths}), here / "set" / "list.parquet")
    inputs = open_inputs(["set/list.parquet"])
    assert inputs.listed
    found = list(inputs.pictures)
    assert [each.name for each in found] == [
        str(Path("set/a/0.png")),
        "https://x.org/1.png",
        str(here / "gone.png"),
        "set/list.parquet/row-000004",
    ]
    assert found[0].load().shape == (32, 32, 3)
    assert found[3].problem
    # The same shards as of the folder itself.
    for index in range(3):
        shard = Shard(index, 3)
        of_list = names_of(open_inputs(["set/list.parquet"], shard=shard))
        assert (str(Path("set/a/0.png")) in of_list) == shard.holds("a/0.png")


def every_kind(here: Path, tar_of: Archive, zip_of: Archive, files: dict[str, bytes]) -> list[str]:
    for name, content in files.items():
        path = here / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (here / "set" / "clip.mp4").touch()
    tar_of(here / "a.tar.gz", files, "w:gz")
    zip_of(here / "b.zip", files)
    (here / "cut.tar").write_bytes(b"damaged")
    shutil.copy(here / "set/a/0.png", here / "c.png")
    return ["set", "a.tar.gz", "*.zip", "cut.tar", "c.png", "gone.png", "-", "https://x.org/1.png"]


@pytest.mark.parametrize("count", [1, 2, 5, 200])
def test_shards_have_each_picture_once(
    here: Path, tar_of: Archive, zip_of: Archive, files: dict[str, bytes], count: int
) -> None:
    given = every_kind(here, tar_of, zip_of, files)
    listed = "\n".join(["set/a/1.png", "x.png", "x.png", "a.tar.gz"]).encode()

    def opened(shard: Shard) -> Inputs:
        return open_inputs(
            given, stdin=io.BytesIO(listed), allow_download=True, videos=True, shard=shard
        )

    whole = opened(Shard(0, 1))
    expected = Counter(each.name for each in whole.pictures)
    assert expected["x.png"] == 2
    assert expected["a.tar.gz/a/0.png"] == 2
    found: Counter[str] = Counter()
    videos: list[Any] = []
    for index in range(count):
        inputs = opened(Shard(index, count))
        found.update(each.name for each in inputs.pictures)
        videos.extend(inputs.videos)
        assert inputs.files == whole.files
    assert found == expected
    assert videos == list(whole.videos)


def test_a_folder_that_is_elsewhere_has_the_same_shards(
    here: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in files.items():
        for root in ("one", "mounted/elsewhere/two"):
            path = here / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    shard = Shard(1, 3)
    expected = [name for name in files if shard.holds(name)]
    assert 0 < len(expected) < len(files)
    for given in ("one", "./one/", str(here / "mounted/elsewhere/two"), "one/**"):
        assert open_inputs([given], shard=shard).total == len(expected)
    folder = [Path(name) for name in names_of(open_inputs(["one"], shard=shard))]
    assert [path.relative_to("one").as_posix() for path in folder] == expected
    moved = names_of(open_inputs([str(here / "mounted/elsewhere/two")], shard=shard))
    assert [
        Path(name).relative_to(here / "mounted/elsewhere/two").as_posix() for name in moved
    ] == (expected)
    (here / "one" / "new.png").write_bytes(files["a/0.png"])
    more = names_of(open_inputs(["one"], shard=shard))
    assert [name for name in more if not name.endswith("new.png")] == list(map(str, folder))


def test_an_empty_folder_is_an_error_in_every_shard(here: Path) -> None:
    (here / "empty").mkdir()
    for index in range(2):
        with pytest.raises(UsageError, match="no file to read"):
            open_inputs(["empty"], shard=Shard(index, 2))


def test_stdin_that_is_a_picture_is_in_one_shard(picture: Picture) -> None:
    shards = [Shard(index, 4) for index in range(4)]
    found = [names_of(open_inputs(["-"], stdin=io.BytesIO(picture(1)), shard=s)) for s in shards]
    assert sorted(map(len, found)) == [0, 0, 0, 1]
