"""Peak memory of a piece of work."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from utkage.training.cost_estimate import PeakMemory

CPU = torch.device("cpu")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="sizes as Linux tells them")
def test_memory_grows_by_what_is_taken() -> None:
    resource = pytest.importorskip("resource")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    memory = PeakMemory(CPU)
    before, kind = memory.read()
    assert kind == "growth of the process"
    assert before is not None
    # More than the process ever had, whatever ran before in it.
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    block = torch.ones(math.ceil((largest - resident + 50_000_000) / 4))
    after, _ = memory.read()
    assert after is not None
    assert after > before + 20_000_000
    del block
