"""Evaluation needs little memory: it once took 2 GB for batches of 128 chips."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource
from utkage.exporting.parity import synthetic_chips
from utkage.prediction.chip_predictor import BATCH
from utkage.prediction.loading import load_predictor

predictor = load_predictor()
chips = synthetic_chips(BATCH, predictor.card.contract.size)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(2):
    predictor.predict_chips(chips)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_predicting_a_batch_needs_little_more_than_a_gigabyte() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=240
    )
    kilobytes = int(done.stdout) / (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 1_300_000
