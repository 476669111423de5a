"""The whole job on a real Ray, which is an extra: `pip install 'utkage[ray]'`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from utkage import Predictor
from utkage.cluster.predict_on_cluster import ClusterRequest, predict_on_cluster
from utkage.core.errors import UsageError

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="processes are found and killed as on POSIX"),
]

COUNT = 64


def _rows(folder: Path) -> list[dict[str, object]]:
    from pyarrow import parquet

    files = sorted(folder.glob("rows-*.parquet"))
    return [row for file in files for row in parquet.read_table(file).to_pylist()]


def _command(source: Path, out: Path) -> list[str | Path]:
    start = [sys.executable, "-m", "utkage", "predict", source, "--out", out, "--resume"]
    return [*start, "--crop", "none", "--no-flip", "--cluster", "local", "--workers", "2"]


def _workers(driver: int) -> list[int]:
    """Processes of the actors that a driver started."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1:]
    processes = [line.split(None, 2) for line in listed]
    parents = {int(pid): int(parent) for pid, parent, _ in processes}

    def is_below(pid: int) -> bool:
        while pid > 1 and pid != driver:
            pid = parents.get(pid, 0)
        return pid == driver

    return [int(pid) for pid, _, args in processes if "MapWorker" in args and is_below(int(pid))]


def _wait_for(condition: object, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and not condition():  # type: ignore[operator]
        time.sleep(0.1)


def test_no_picture_is_lost_and_none_comes_twice(chips, tmp_path):
    source = chips(tmp_path / "chips", COUNT)
    (source / "1" / "7.png").write_bytes(b"damaged")
    out = tmp_path / "out"
    # The driver is killed as soon as there are rows, and later one of the workers.
    with subprocess.Popen(_command(source, out)) as first:
        _wait_for(lambda: any(out.glob("rows-*")), first)
        first.kill()
    # The damaged picture is a row, and the exit code that of `predict`.
    with subprocess.Popen(_command(source, out)) as second:
        _wait_for(lambda: _workers(second.pid), second)
        for worker in _workers(second.pid)[:1]:
            os.kill(worker, signal.SIGKILL)
        assert second.wait() == 3
    found = _rows(out)
    predictor = Predictor.shipped(crop="none", flip=False)
    expected = [row.to_dict() for row in predictor.predict(source)]
    assert [row["file"] for row in found] == [row["file"] for row in expected]
    for row, own in zip(found, expected, strict=True):
        assert row["age"] == (own["age"] and pytest.approx(own["age"], abs=1e-3))
    assert [row["status"] for row in found].count("failed") == 1
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    # Another job does not go into the same folder.
    with pytest.raises(UsageError, match="another value of settings"):
        predict_on_cluster(ClusterRequest(sources=(str(source),), out=out, crop="box", resume=True))


def test_refusals_are_one_line(tmp_path, chips):
    source = str(chips(tmp_path / "chips", 1))
    for cluster, message in (
        ("127.0.0.1:1", "no Ray cluster can be reached"),
        ("ray://head:10001", "only local, auto and HOST:PORT"),
    ):
        request = ClusterRequest(sources=(source,), out=tmp_path / "out", cluster=cluster)
        with pytest.raises(UsageError, match=message):
            predict_on_cluster(request)
        assert not list((tmp_path / "out").glob("rows-*"))
        assert not (tmp_path / "out" / "plan.json").exists()
