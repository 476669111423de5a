"""The memory of a process, also of one that a larger process started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from utkage.core import process_memory
from utkage.core.process_memory import peak_memory

SHOW = "from utkage.core.process_memory import peak_memory; print(peak_memory())"


def test_the_peak_stays_when_memory_is_freed() -> None:
    before = peak_memory()
    if before is None:
        pytest.skip("the system does not say")
    block = np.ones(before + 40_000_000, dtype=np.uint8)
    largest = peak_memory()
    assert largest is not None
    assert largest >= len(block)
    size = len(block)
    del block
    after = peak_memory()
    assert after is not None
    # Linux counts in steps of some pages for each thread.
    assert after >= size


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="as Linux counts")
def test_the_size_of_the_process_that_started_it_does_not_count() -> None:
    block = np.ones(200_000_000, dtype=np.uint8)
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, check=True).stdout
    assert 1_000_000 < int(shown) < 100_000_000
    assert len(block)


def test_systems_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for content in (None, "Name: python\n"):
        if content is not None:
            (tmp_path / "status").write_text(content)
        monkeypatch.setattr(process_memory, "_STATUS", tmp_path / "status")
        assert peak_memory() == (largest if sys.platform == "darwin" else 1024 * largest)
