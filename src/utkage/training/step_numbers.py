"""The numbers of training steps, which the host reads rarely where reading means waiting."""

from __future__ import annotations

import torch
from torch import Tensor

# Steps between two readings on a GPU. A loss that is not finite is found at the next reading.
READ_EVERY = 50


def read_interval(device: torch.device) -> int:
    """Steps between two readings; 1 on a CPU, where a step is done when the call returns."""
    return 1 if device.type == "cpu" else READ_EVERY


def number_type(device: torch.device) -> torch.dtype:
    """The type of such numbers: float64, which keeps sums exact; Apple's GPUs have float32 only."""
    return torch.float32 if device.type == "mps" else torch.float64


class UnreadNumbers:
    """Numbers of the last steps, still on their device.

    To read a number, the host waits until the device has computed it, and the device is then idle
    until the host has sent the next step. So several steps are read together.
    """

    def __init__(self, device: torch.device) -> None:
        self._every = read_interval(device)
        self._unread: list[Tensor] = []

    def add(self, numbers: Tensor) -> list[list[float]]:
        """Add the numbers of a step, (k,); the numbers of all unread steps if they are due."""
        self._unread.append(numbers)
        return self.read() if len(self._unread) >= self._every else []

    def read(self) -> list[list[float]]:
        """The numbers of the steps since the last reading, oldest first; waits for the device."""
        if not self._unread:
            return []
        unread, self._unread = torch.stack(self._unread), []
        rows: list[list[float]] = unread.tolist()
        return rows
