"""kill -9 at random moments: the former set stays, and the next run gives the same bytes."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tools.examples.demo_set import make_demo_set
from tools.warm_process import Running
from utkage.data.store import ChipStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX"),
]

TRIALS = 6


# With worker processes, however small the source is.
BY_PROCESSES = """
import sys
from utkage.preparation import workers
workers.PROCESSES_FROM_BYTES = 0
from utkage.cli.app import main
sys.exit(main())
"""


def _prepare(out: Path, source: Path, seed: int, code: str | None) -> Running:
    arguments = ("prepare", source, "--out", out, "--chip-size", 64, "--seed", seed, "--quiet")
    return Running(arguments, source.parent, code)


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("code", [None, BY_PROCESSES], ids=["threads", "processes"])
def test_killed_at_random_moments(examples: Path, tmp_path: Path, code: str | None) -> None:
    source, undisturbed, out = tmp_path / "faces", tmp_path / "undisturbed", tmp_path / "out"
    before = tmp_path / "before"
    make_demo_set(examples / "faces", source, 240, 1)
    # Once before the clock runs: the first process of a test run imports everything.
    assert _prepare(before, source, 0, code).finish().returncode == 0
    started = time.monotonic()
    assert _prepare(undisturbed, source, 1, code).finish().returncode == 0
    whole = time.monotonic() - started
    former = ChipStore.open(before).split_hash
    moments = random.Random(7)
    finished = ChipStore.open(undisturbed).split_hash
    for _ in range(TRIALS):
        # A kill behind the commit of one trial must not make the next an easy one.
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(before, out)
        process = _prepare(out, source, 1, code)
        # Start-up is the first part of every run; what matters comes behind it.
        time.sleep(whole * moments.uniform(0.2, 1.0))
        process.kill()
        process.finish()
        assert ChipStore.open(out).split_hash in (former, finished), "neither old nor new"
    assert _prepare(out, source, 1, code).finish().returncode == 0
    assert _bytes_of(out) == _bytes_of(undisturbed)
