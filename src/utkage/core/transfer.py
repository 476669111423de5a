"""Copies from host memory to a device that the program does not wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on ``device``; on CUDA, the copy joins the queue of the device.

    A plain ``Tensor.to`` waits until the device has done all its work. A copy from pinned memory
    does not have to. PyTorch keeps pinned memory until the copies from it are done, so the caller
    may drop the tensor at once. Where nothing is gained, on a CPU and on Apple's GPUs, which share
    the memory of the host, this is ``Tensor.to``.
    """
    if device.type in ("cpu", "mps") or tensor.device.type != "cpu":
        return tensor.to(device)
    pinned = tensor.pin_memory() if device.type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)
