"""Choosing the device that computes, once per command, and saying why."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.errors import DeviceError

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cpu", "cuda", "cuda:N", "mps")
# What the drivers of NVIDIA, of AMD and of WSL create where a GPU can be reached.
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


@dataclass(frozen=True)
class Device:
    """A device that exists on this machine.

    Attributes:
        name: As PyTorch spells it: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
        reason: Why it was chosen, for people.
    """

    name: str
    reason: str

    @property
    def is_cpu(self) -> bool:
        """Whether this is the processor, told without importing PyTorch."""
        return self.name == "cpu"

    @property
    def torch(self) -> torch.device:
        """The device as PyTorch's own type; imports PyTorch."""
        import torch

        return torch.device(self.name)


def resolve_device(choice: str | torch.device | Device) -> Device:
    """Turn a choice into a device of this machine; a ``Device`` comes back as it is.

    PyTorch is only imported where it alone can tell.

    Args:
        choice: ``"auto"`` (CUDA, else MPS, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or
            ``"mps"``; or a device.

    Raises:
        DeviceError: the device does not exist here, or the name is unknown.
    """
    if isinstance(choice, Device):
        return choice
    name = str(choice)
    if name == "cpu":
        return Device("cpu", "as requested")
    if name == "auto":
        return _best_device() if gpu_is_possible() else Device("cpu", "no GPU found")
    kind, _, number = name.partition(":")
    if kind == "cuda" and (not number or number.isdigit()):
        return _cuda_device(name, number)
    if name == "mps":
        return _mps_device()
    raise DeviceError(f"`device` {name}: unknown; choose one of {', '.join(CHOICES)}")


def gpu_is_possible() -> bool:
    """Whether PyTorch might find a GPU here, told without importing it."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        windows = Path(os.environ.get("SYSTEMROOT", "C:/Windows"))
        return (windows / "System32" / "nvcuda.dll").exists()
    return any(Path(name).exists() for name in _GPU_FILES)


def _best_device() -> Device:
    import torch

    if torch.cuda.is_available():
        return Device("cuda", f"{torch.cuda.get_device_name()} is available")
    if torch.backends.mps.is_available():
        return Device("mps", "Apple's GPU is available")
    return Device("cpu", "no GPU found")


def _cuda_device(name: str, number: str) -> Device:
    import torch

    if not torch.cuda.is_available():
        raise DeviceError(
            f"`device` {name}: PyTorch finds no CUDA device on this machine; "
            "use `device=auto` (or `device=cpu`) instead"
        )
    if number and int(number) >= torch.cuda.device_count():
        raise DeviceError(
            f"`device` {name}: there are {torch.cuda.device_count()} CUDA devices, "
            "numbered from 0; use `device=cuda` instead"
        )
    return Device(name, torch.cuda.get_device_name(torch.device(name)))


def _mps_device() -> Device:
    import torch

    if not torch.backends.mps.is_available():
        raise DeviceError(
            "`device` mps: PyTorch finds no Apple GPU on this machine; "
            "use `device=auto` (or `device=cpu`) instead"
        )
    return Device("mps", "as requested")
