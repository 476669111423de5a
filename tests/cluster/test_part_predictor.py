from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from utkage import Predictor
from utkage.cluster.attempts import Attempts
from utkage.cluster.job_folder import JobFolder
from utkage.cluster.manifest import write_manifest
from utkage.cluster.part_predictor import RETRIES, PartPredictor, WorkerJob
from utkage.cluster.parts import STEP, Part, cut, open_sources
from utkage.core.errors import DataError
from utkage.prediction.predictor import PredictSettings
from utkage.prediction.rows import FaceRow

SETTINGS = PredictSettings(crop="none", flip=False, workers=1, device="cpu")
COUNT = STEP + 3


@pytest.fixture(scope="module")
def parts(chips, tmp_path_factory) -> list[Part]:
    """Two parts, with a damaged picture in the first."""
    folder = chips(tmp_path_factory.mktemp("job") / "chips", COUNT)
    (folder / "0" / "2.png").write_bytes(b"damaged")
    write_manifest(folder, folder.parent / "list.jsonl")
    return cut(open_sources([str(folder.parent / "list.jsonl")]), STEP)


@pytest.fixture(scope="module")
def worker(tmp_path_factory) -> PartPredictor:
    folder = tmp_path_factory.mktemp("rows")
    # Ray sends the job to the worker.
    job = pickle.loads(pickle.dumps(WorkerJob(folder=folder, settings=SETTINGS, reason_text=ascii)))
    return PartPredictor(job)


def _rows(folder: JobFolder, parts: list[Part]) -> list[FaceRow]:
    columns = [parquet.read_table(folder.rows_file(part.number)).to_pylist() for part in parts]
    return [row for part in columns for row in part]


def test_rows_are_those_of_predict(worker, parts):
    folder = JobFolder(worker._job.folder)
    results = [worker.predict(part) for part in parts]
    assert [(result.pictures, result.error) for result in results] == [(STEP, None), (3, None)]
    source = Path(parts[0].source).parent / "chips"
    expected = [row.to_dict() for row in Predictor(SETTINGS).predict(source)]
    found = _rows(folder, parts)
    assert [row["file"] for row in found] == [row["file"] for row in expected]
    assert {row["status"] for row in found} == {"ok", "failed"}
    for row, own in zip(found, expected, strict=True):
        if own["status"] == "failed":
            assert row["reason"] == ascii(own["reason"])
        else:
            assert {**row, "age": None} == {**own, "age": None, "landmarks": None}
            assert row["age"] == pytest.approx(own["age"], abs=1e-3)
    summary = folder.summarise(parts)
    assert (summary.pictures, summary.faces, summary.failed) == (COUNT, COUNT - 1, 1)
    # What is finished is not predicted again, and no record of attempts is left.
    assert worker.predict(parts[0]).pictures == 0
    assert not any((folder.path / ".attempts").iterdir())
    # Rows that are missing, or of too few pictures, are found at the end.
    folder.rows_file(1).write_bytes(folder.rows_file(0).read_bytes())
    with pytest.raises(DataError, match=r"has rows of 20 pictures, not of 3; remove it and resume"):
        folder.summarise(parts)
    folder.rows_file(1).unlink()
    with pytest.raises(DataError, match=r"rows-000001.parquet: cannot be read"):
        folder.summarise(parts)


def test_a_picture_that_ends_its_workers_becomes_a_row(worker, parts):
    folder = JobFolder(worker._job.folder)
    folder.rows_file(1).unlink(missing_ok=True)
    record = folder.attempts_file(1)
    # The first attempt predicts several pictures at once; the others note each.
    for attempt in range(1 + RETRIES + 1):
        attempts = Attempts(record)
        attempts.begin()
        for index in range(2 if attempt else 0):
            attempts.note(index)
    assert Attempts(record).ended_at(1) == RETRIES + 1
    assert worker.predict(parts[1]).pictures == 3
    statuses = [(row["status"], row["reason"]) for row in _rows(folder, parts[1:])]
    assert [status for status, _ in statuses] == ["ok", "failed", "ok"]
    assert f"ended {RETRIES + 1} workers" in statuses[1][1]
    assert not record.exists()


def test_an_end_that_no_picture_causes_costs_no_picture(worker, parts):
    folder = JobFolder(worker._job.folder)
    folder.rows_file(1).unlink(missing_ok=True)
    for _ in range(RETRIES):
        attempts = Attempts(folder.attempts_file(1))
        attempts.begin()
        attempts.note(0)
    assert worker.predict(parts[1]).pictures == 3
    assert {row["status"] for row in _rows(folder, parts[1:])} == {"ok"}


def test_errors_of_a_part_are_results_and_leave_no_file(parts, tmp_path):
    gone = Part(number=7, kind="lines", name="gone", source=str(tmp_path / "gone"), count=1)
    worker = PartPredictor(WorkerJob(folder=tmp_path, settings=SETTINGS))
    assert "part 7" in (worker.predict(gone).error or "")
    # A list that has become shorter, and one that has become longer than its parts.
    short = Part(**{**vars(parts[1]), "number": 8, "count": 9})
    assert "is shorter than when the job began" in (worker.predict(short).error or "")
    assert [path.name for path in tmp_path.iterdir()] == [".attempts"]


def test_a_damaged_archive_is_a_row(tmp_path, tar_of, picture):
    path = tar_of(tmp_path / "a.tar", {f"{n}.png": picture(n, 64) for n in range(3)})
    path.write_bytes(path.read_bytes()[:-9_000])
    (part,) = cut(open_sources([str(path)]), STEP)
    worker = PartPredictor(WorkerJob(folder=tmp_path / "out", settings=SETTINGS))
    assert worker.predict(part).error is None
    rows = _rows(JobFolder(tmp_path / "out"), [part])
    assert [row["status"] for row in rows] == ["ok"] * (len(rows) - 1) + ["failed"]
    assert "damaged archive" in rows[-1]["reason"]


_KILLED = """
import os, sys
from pathlib import Path
from utkage.cluster import part_predictor
from utkage.cluster.parts import cut, open_sources
from utkage.images import decode
from utkage.prediction.predictor import PredictSettings

real = decode.decode_image
def decode_image(source, **settings):
    # A fault of a decoder, in one picture of the part.
    if settings["name"].endswith(os.sep + "4.png"):
        os._exit(7)
    return real(source, **settings)

from utkage.images import picture_input
picture_input.decode_image = decode_image
settings = PredictSettings(crop="none", flip=False, workers=1, device="cpu")
worker = part_predictor.PartPredictor(
    part_predictor.WorkerJob(folder=Path(sys.argv[2]), settings=settings)
)
result = worker.predict(cut(open_sources([sys.argv[1]]), 20)[0])
print(result.pictures)
"""


@pytest.mark.slow
def test_a_real_crash_is_tried_a_few_times_and_then_a_row(chips, tmp_path):
    folder = chips(tmp_path / "chips", 6)
    write_manifest(folder, tmp_path / "list.jsonl")
    codes = []
    while not codes or (codes[-1] and len(codes) < 10):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, tmp_path / "list.jsonl", tmp_path / "out"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        codes.append(done.returncode)
    assert codes == [7] * (RETRIES + 2) + [0], done.stderr
    rows = parquet.read_table(JobFolder(tmp_path / "out").rows_file(0)).to_pylist()
    assert [Path(row["file"]).name for row in rows if row["status"] == "failed"] == ["4.png"]
    assert len(rows) == 6
