from __future__ import annotations

import os
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.core.files import write_text
from utkage.core.single_writer import (
    LOCK_NAME,
    holding_files,
    holding_folder,
    new_folder,
    require_new_folder,
)


def _never(name: str) -> bool:
    return False


def test_folders_are_made_and_removed_if_they_stay_empty(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "rows.csv"
    with holding_files(path), holding_folder(tmp_path / "c" / "d", _never):
        assert path.parent.is_dir()
    assert list(tmp_path.iterdir()) == []
    with holding_files(path):
        write_text(path, "x")
    assert [p.name for p in path.parent.iterdir()] == ["rows.csv"]
    (tmp_path / "mine").mkdir()
    with holding_folder(tmp_path / "mine", _never):
        pass
    assert (tmp_path / "mine").is_dir(), "only new folders are removed"


def test_several_files_and_one_of_them_twice(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    with holding_files(first, second, tmp_path / "." / "a.csv"):
        for path in (first, second, tmp_path / ".." / tmp_path.name / "a.csv"):
            with pytest.raises(UsageError, match="another utkage is writing here"):
                holding_files(path).__enter__()
        with holding_files(tmp_path / "c.csv"):
            pass


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_link_is_held_and_written_at_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "data" / "rows.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    link.symlink_to(target)
    folder = tmp_path / "folder"
    folder.symlink_to(target.parent)
    with holding_files(link):
        for path in (target, folder / "rows.csv"):
            with pytest.raises(UsageError, match="another utkage"):
                holding_files(path).__enter__()
        write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["rows.csv"]


def test_dead_files_of_the_held_outputs_are_removed(tmp_path: Path) -> None:
    names = {
        f".{stem}.0123456789abcdef.partial.csv": stem for stem in ("rows", "others", "rows.more")
    }
    for name in names:
        (tmp_path / name).touch()
    with holding_files(tmp_path / "rows.csv"):
        pass
    assert {names[path.name] for path in tmp_path.iterdir()} == {"others", "rows.more"}
    with holding_folder(tmp_path, lambda name: name == "others.csv"):
        assert (tmp_path / LOCK_NAME).is_file()
    assert {names[path.name] for path in tmp_path.iterdir()} == {"rows.more"}


def test_a_new_folder_is_there_only_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "page"

    def write(fails: bool) -> None:
        with new_folder(out) as folder:
            (folder / "a").write_text("a")
            assert not out.exists()
            if fails:
                raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        write(True)
    assert list(tmp_path.iterdir()) == []
    write(False)
    assert [path.name for path in tmp_path.rglob("*")] == ["page", "a"]
    with pytest.raises(UsageError, match="already exists"):
        require_new_folder(out)


def test_a_folder_that_was_made_meanwhile_stays(tmp_path: Path) -> None:
    out = tmp_path / "page"

    def write() -> None:
        with new_folder(out):
            out.mkdir()
            (out / "theirs").write_text("theirs")

    with pytest.raises(UsageError, match="was made meanwhile"):
        write()
    assert [path.name for path in tmp_path.rglob("*")] == ["page", "theirs"]


def test_a_link_to_nothing_has_the_name_of_a_new_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.symlink_to("nothing")
    with pytest.raises(UsageError, match="already exists"):
        require_new_folder(out)


def test_the_files_of_a_new_folder_are_on_the_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    sync = os.fsync

    def recorded(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    with new_folder(tmp_path / "out") as folder:
        (folder / "inner").mkdir()
        files = [folder / "a", folder / "inner" / "b"]
        for path in files:
            path.write_text("x")
        numbers = {path.stat().st_ino for path in files}
    assert numbers <= synced
