"""kill -9 at random moments: the former set stays, and the next run gives the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.examples.demo_set import make_demo_set
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


def _prepare(out: Path, source: Path, seed: int, how: list[str]) -> subprocess.Popen[bytes]:
    words = ["prepare", source, "--out", out, "--chip-size", 64, "--seed", seed, "--quiet"]
    return subprocess.Popen(
        [sys.executable, *how, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    "how", [["-m", "utkage"], ["-c", BY_PROCESSES]], ids=["threads", "processes"]
)
def test_killed_at_random_moments(examples: Path, tmp_path: Path, how: list[str]) -> None:
    source, undisturbed, out = tmp_path / "faces", tmp_path / "undisturbed", tmp_path / "out"
    before = tmp_path / "before"
    make_demo_set(examples / "faces", source, 240, 1)
    started = time.monotonic()
    assert _prepare(undisturbed, source, 1, how).wait() == 0
    whole = time.monotonic() - started
    assert _prepare(before, source, 0, how).wait() == 0
    former = ChipStore.open(before).split_hash
    moments = random.Random(7)
    finished = ChipStore.open(undisturbed).split_hash
    for _ in range(TRIALS):
        # A kill behind the commit of one trial must not make the next an easy one.
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(before, out)
        process = _prepare(out, source, 1, how)
        # Start-up is the first part of every run; what matters comes behind it.
        time.sleep(whole * moments.uniform(0.4, 1.0))
        process.kill()
        process.wait()
        assert ChipStore.open(out).split_hash in (former, finished), "neither old nor new"
    assert _prepare(out, source, 1, how).wait() == 0
    assert _bytes_of(out) == _bytes_of(undisturbed)
