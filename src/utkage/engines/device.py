"""Choosing the device, and saying why."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.errors import DeviceError

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cpu", "cuda", "cuda:N", "mps")


# What the drivers of NVIDIA, of AMD and of Windows' Linux leave where a GPU can be reached.
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def gpu_is_possible() -> bool:
    """Whether PyTorch might find a GPU here, told without importing it."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        windows = Path(os.environ.get("SYSTEMROOT", "C:/Windows"))
        return (windows / "System32" / "nvcuda.dll").exists()
    return any(Path(name).exists() for name in _GPU_FILES)


def is_cpu(device: str | torch.device) -> bool:
    """Whether ``device``, a choice as in ``choose_device`` or a torch device, is the processor.

    PyTorch is only imported where it alone can tell.

    Raises:
        DeviceError: the device does not exist here, or the name is unknown.
    """
    if not isinstance(device, str):
        return device.type == "cpu"
    if device == "cpu" or (device == "auto" and not gpu_is_possible()):
        return True
    return choose_device(device)[0].type == "cpu"


def choose_device(choice: str) -> tuple[torch.device, str]:
    """Turn ``--device`` into a torch device and a reason in words.

    Args:
        choice: ``auto`` (CUDA, else MPS, else the CPU), ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises:
        DeviceError: the device does not exist here, or the name is unknown.
    """
    import torch

    if choice == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), f"{torch.cuda.get_device_name()} is available"
        if torch.backends.mps.is_available():
            return torch.device("mps"), "Apple's GPU is available"
        return torch.device("cpu"), f"no GPU found; {torch.get_num_threads()} threads"
    kind, _, number = choice.partition(":")
    if kind == "cpu" and not number:
        return torch.device("cpu"), f"as asked; {torch.get_num_threads()} threads"
    if kind == "cuda" and (not number or number.isdigit()):
        if not torch.cuda.is_available():
            raise DeviceError(
                f"--device {choice}: PyTorch finds no CUDA device on this machine; "
                "type --device auto (or --device cpu) instead"
            )
        if number and int(number) >= torch.cuda.device_count():
            raise DeviceError(
                f"--device {choice}: there are {torch.cuda.device_count()} CUDA devices, "
                "counted from 0; type --device cuda instead"
            )
        return torch.device(choice), torch.cuda.get_device_name(torch.device(choice))
    if kind == "mps" and not number:
        if not torch.backends.mps.is_available():
            raise DeviceError(
                "--device mps: PyTorch finds no Apple GPU on this machine; "
                "type --device auto (or --device cpu) instead"
            )
        return torch.device("mps"), "as asked"
    raise DeviceError(f"--device {choice}: unknown; choose one of {', '.join(CHOICES)}")
