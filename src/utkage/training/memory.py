"""Peak memory of a computation."""

from __future__ import annotations

import sys

import torch


class PeakMemory:
    """Measures from its creation until it is read.

    On CUDA: the memory that PyTorch allocated. On a CPU: the growth of the process beyond its
    largest size before, which misses what fits into memory that was freed earlier.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            self._before = _largest_process_size() or 0

    def read(self) -> tuple[int | None, str]:
        """Bytes, and what was counted; None where the system reports nothing (Windows, MPS)."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device), "allocated on the GPU"
        largest = _largest_process_size() if self._device.type == "cpu" else None
        if largest is None:
            return None, "not known on this system"
        return largest - self._before, "growth of the process"


def _largest_process_size() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return largest if sys.platform == "darwin" else largest * 1024
