from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from utkage.core.allocator import keeping_freed_memory

# Page faults of taking and freeing 64 MB again and again, after a first time: before, in and
# behind the body.
FAULTS = """
import resource
import numpy as np
from utkage.core.allocator import keeping_freed_memory
def faults():
    np.ones(8_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        np.ones(8_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
usual = faults()
with keeping_freed_memory() as kept:
    assert kept
    inside = faults()
print(usual, inside, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_reused_and_returned_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], check=True, capture_output=True)
    usual, inside, behind = map(int, done.stdout.split())
    assert inside < usual / 10
    assert behind > usual / 2


def test_without_glibc_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with keeping_freed_memory() as kept:
        assert not kept
