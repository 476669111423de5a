"""The report of a set: written again when it is missing or stale."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import prepared_sets
import pytest
from prepared_sets import bytes_of

from utkage.preparation import prepare as workflow
from utkage.preparation.audit.resolve import FixConfig

Picture = Callable[..., bytes]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


Bytes = dict[str, bytes]


# One worker, so that pictures are handled in a known order.
run = partial(prepared_sets.run, workers=1)


class Killed(BaseException):
    """Stands for the end of the process."""


def kill(*arguments: object) -> None:
    raise Killed


@pytest.mark.parametrize("report", ["audit.json", "audit.html"])
def test_a_report_that_is_made_again_is_the_same(tmp_path: Path, faces: Path, report: str) -> None:
    run(faces, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    conflicts = json.loads(before["audit.json"])["conflicts"]
    assert {conflict["split"] for conflict in conflicts} > {"train"}, "left out and kept ones"
    (tmp_path / "out" / report).unlink()
    # A kill during the writing of a report leaves such a file.
    (tmp_path / "out" / f".{Path(report).stem}.x1.partial{Path(report).suffix}").write_text("{")
    assert run(faces, tmp_path / "out").unchanged
    assert bytes_of(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("seed", "fix"), [(3, FixConfig()), (0, FixConfig(age_tolerance=2))], ids=["split", "settings"]
)
def test_a_kill_before_the_report_leaves_no_stale_one(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, seed: int, fix: FixConfig
) -> None:
    run(faces, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(workflow, "write_report", kill)
        with pytest.raises(Killed):
            run(faces, tmp_path / "out", seed, fix=fix)
    assert run(faces, tmp_path / "out", seed, fix=fix).unchanged
    run(faces, tmp_path / "fresh", seed, fix=fix)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "fresh")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert run(faces, tmp_path / "out", seed, fix=fix).unchanged
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times


def test_every_report_names_its_store(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "audit.json").read_text())
    run(faces, tmp_path / "out", 1)
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["store"] != report["store"]


def test_a_missing_report_is_made_again(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    (tmp_path / "out" / "audit.html").unlink()
    assert run(faces, tmp_path / "out").unchanged
    assert bytes_of(tmp_path / "out") == before
