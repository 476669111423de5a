"""The device that a command computes on, resolved once, and the reason for the choice."""

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
# Device files of the drivers of NVIDIA, AMD and WSL.
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


@dataclass(frozen=True)
class Device:
    """A device by PyTorch's name, such as ``"cuda:1"``, and the reason for the choice."""

    name: str
    reason: str

    @property
    def is_cpu(self) -> bool:
        """Whether this is the CPU; does not import PyTorch."""
        return self.name == "cpu"

    @property
    def is_cuda(self) -> bool:
        """Whether this is a GPU of CUDA; does not import PyTorch."""
        return self.name.partition(":")[0] == "cuda"

    @property
    def number(self) -> int:
        """Number of the GPU, from 0, such as 1 for ``"cuda:1"``."""
        return int(self.name.partition(":")[2] or 0)

    @property
    def torch(self) -> torch.device:
        """The same device in PyTorch; imports it."""
        import torch

        return torch.device(self.name)


CPU = Device("cpu", "as requested")


def resolve_device(choice: str | torch.device | Device) -> Device:
    """Find the device for one of ``CHOICES``, or for a device of PyTorch.

    ``"auto"`` is CUDA, else MPS, else the CPU. PyTorch is imported only if a GPU is possible.

    Raises:
        DeviceError: the device does not exist on this machine, or the name is unknown.
    """
    if isinstance(choice, Device):
        return choice
    name = str(choice)
    if name == "cpu":
        return CPU
    if name == "auto":
        return _best_device() if gpu_is_possible() else Device("cpu", "no GPU found")
    kind, _, number = name.partition(":")
    if kind == "cuda" and (not number or number.isdigit()):
        return _cuda_device(name, number)
    if name == "mps":
        return _mps_device()
    raise DeviceError(f"`device` {name}: unknown; choose one of {', '.join(CHOICES)}")


def gpu_is_possible() -> bool:
    """Whether PyTorch might find a GPU on this machine; does not import it."""
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
