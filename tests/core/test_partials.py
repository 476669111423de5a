from __future__ import annotations

import os
from pathlib import Path

import pytest

from utkage.core.partials import (
    output_of,
    partial_file,
    partial_folder,
    remove_dead_partials,
    remove_own_partials,
    shortened,
)

DEAD = ".faces.0123456789abcdef.partial.onnx"


def _always(name: str) -> bool:
    return True


def test_only_dead_files_of_the_output_are_removed(tmp_path: Path) -> None:
    (tmp_path / DEAD).write_bytes(b"half")
    foreign = [
        ".faces.partial.onnx",
        ".faces.0123456789ABCDEF.partial.onnx",
        ".faces.0123456789abcdef.partial.onnx.bak",
        "faces.0123456789abcdef.partial.onnx",
        ".others.0123456789abcdef.partial.onnx",
        "faces.onnx",
    ]
    for name in foreign:
        (tmp_path / name).write_text("mine")
    with partial_file(tmp_path / "faces.onnx") as living:
        remove_dead_partials(tmp_path, lambda name: name == "faces.onnx")
        assert living.exists() or os.name == "nt"
        living.touch()
        assert {path.name for path in tmp_path.iterdir()} == {*foreign, living.name}
    assert {path.name for path in tmp_path.iterdir()} == set(foreign)


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_links_and_what_they_point_to_stay(tmp_path: Path) -> None:
    target = tmp_path / "mine.txt"
    target.write_text("mine")
    (tmp_path / DEAD).symlink_to(target)
    remove_dead_partials(tmp_path, _always)
    assert (tmp_path / DEAD).is_symlink()
    assert target.read_text() == "mine"


def test_folders(tmp_path: Path) -> None:
    dead = tmp_path / ".web.0123456789abcdef.partial"
    (dead / "inside").mkdir(parents=True)
    (dead / "inside" / "index.html").touch()
    with partial_folder(tmp_path / "web") as living:
        (living / "index.html").touch()
        remove_dead_partials(tmp_path, lambda name: name == "web")
        assert list(tmp_path.iterdir()) == [living] or os.name == "nt"
    assert list(tmp_path.iterdir()) == []
    remove_dead_partials(tmp_path / "missing", _always)


def test_a_folder_that_got_its_name_stays(tmp_path: Path) -> None:
    with partial_folder(tmp_path / "web") as folder:
        (folder / "index.html").touch()
        folder.rename(tmp_path / "web")
    assert (tmp_path / "web" / "index.html").is_file()


def test_long_names_are_cut_but_stay_different(tmp_path: Path) -> None:
    first, second = (f"{'x' * 240}{end}.json" for end in ("a", "b"))
    assert shortened(first) != shortened(second)
    assert shortened("faces.onnx") == "faces.onnx"
    with partial_file(tmp_path / first) as partial:
        assert output_of(partial.name) == shortened(first)
        assert len(os.fsencode(partial.name)) < 255
        # As of a writer that is atomic itself.
        with partial_file(partial) as inner:
            assert output_of(inner.name) == shortened(first)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are listed on Linux")
def test_a_process_removes_what_it_is_writing(tmp_path: Path) -> None:
    (tmp_path / DEAD).write_bytes(b"an input of this name")
    with (
        (tmp_path / DEAD).open("rb"),
        partial_file(tmp_path / "faces.onnx") as file,
        partial_folder(tmp_path / "web") as folder,
    ):
        (folder / "index.html").touch()
        remove_own_partials()
        assert not file.exists()
        assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == [DEAD]
