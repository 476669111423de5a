from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pyarrow import parquet

from utkage.cluster import manifest
from utkage.cluster.manifest import write_manifest
from utkage.core.errors import UsageError
from utkage.images.discover import expand_inputs, list_inputs


class _Reporter:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def info(self, message: str) -> None:
        self.messages.append(message)


def _paths(path: Path) -> list[str]:
    return [json.loads(line)["path"] for line in path.read_text().splitlines()]


def test_lists_the_pictures_of_predict_in_its_order(chips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chips(Path("photos"), 25)
    (tmp_path / "photos" / "unnamed").write_bytes((tmp_path / "photos/0/0.png").read_bytes())
    assert write_manifest(Path("photos"), Path("list.jsonl")) == 26
    expected = [str(path) for path in expand_inputs([Path("photos")])]
    assert _paths(tmp_path / "list.jsonl") == expected
    write_manifest(Path("photos"), Path("list.parquet"))
    assert parquet.read_table("list.parquet")["path"].to_pylist() == expected


def test_paths_are_relative_to_the_manifest(chips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chips(Path("photos"), 2)
    write_manifest(Path("photos"), Path("lists/all.jsonl"))
    assert _paths(Path("lists/all.jsonl"))[0] == os.path.join("..", "photos", "0", "0.png")  # noqa: PTH118
    write_manifest(tmp_path / "photos", Path("lists/all.jsonl"))
    assert _paths(Path("lists/all.jsonl"))[0] == str(tmp_path / "photos" / "0" / "0.png")


def test_more_paths_than_one_batch_are_all_written(chips, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "_BATCH", 4)
    assert write_manifest(chips(tmp_path / "a", 11), tmp_path / "a.parquet") == 11
    assert len(set(parquet.read_table(tmp_path / "a.parquet")["path"].to_pylist())) == 11


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_linked_folders_are_entered_as_by_predict_or_counted(chips, tmp_path):
    folder = chips(tmp_path / "a", 2)
    (folder / "loop").symlink_to(folder)
    (folder / "other").symlink_to(chips(tmp_path / "b", 3))
    assert write_manifest(folder, tmp_path / "a.jsonl") == 5
    pictures = list_inputs([folder]).files
    assert _paths(tmp_path / "a.jsonl") == [str(file.path) for file in pictures]
    (folder / "other").unlink()
    reporter = _Reporter()
    reporter.progress = manifest.SilentReporter().progress
    out = tmp_path / "a.jsonl"
    assert write_manifest(folder, out, follow_links=False, reporter=reporter) == 2
    assert reporter.messages == [
        "skipped 1 hidden file (.hidden.png), 1 linked folder (loop), 1 other file (readme.txt)",
    ]


def test_folders_that_cannot_be_read_are_named(chips, tmp_path, monkeypatch):
    folder = chips(tmp_path / "a", 1)
    for number in range(12):
        (folder / f"closed{number}").mkdir()
    scan = os.scandir

    def refuse(path):
        if Path(path).name.startswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reporter = _Reporter()
    reporter.progress = manifest.SilentReporter().progress
    reporter.warn = reporter.info
    assert write_manifest(folder, tmp_path / "a.jsonl", reporter=reporter) == 1
    assert len(reporter.messages) == 12
    assert reporter.messages[1].startswith(
        f"{folder / 'closed0'}: folder cannot be read (Permission"
    )
    assert reporter.messages[-1] == "and 2 more folders"


def test_refusals_leave_no_file(chips, tmp_path):
    folder = chips(tmp_path / "a", 1)
    with pytest.raises(UsageError, match="is not a folder"):
        write_manifest(folder / "0" / "0.png", tmp_path / "a.jsonl")
    with pytest.raises(UsageError, match="choose one of the suffixes"):
        write_manifest(folder, tmp_path / "a.txt")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.tar").touch()
    with pytest.raises(UsageError, match=r"no picture in this folder; .*1 archive \(a\.tar; name"):
        write_manifest(tmp_path / "empty", tmp_path / "a.jsonl")
    (tmp_path / "mine.jsonl").write_text('{"mine": 1}\n')
    with pytest.raises(UsageError, match="overwrite=True"):
        write_manifest(folder, tmp_path / "mine.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "empty", "mine.jsonl"]
    # A manifest is replaced by another one.
    for name in ("a.jsonl", "a.parquet"):
        assert write_manifest(folder, tmp_path / name) == write_manifest(folder, tmp_path / name)
