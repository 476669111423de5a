"""Errors of PyTorch in a training step, with the settings to change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from utkage.core.errors import TrainingError


@contextlib.contextmanager
def explaining_step_errors(device: torch.device, memory_settings: str) -> Iterator[None]:
    """Explain what to do about too little memory and about a compiler that fails.

    Args:
        device: Device of the step.
        memory_settings: Settings that decide how much memory it takes, to follow "lower".

    Raises:
        TrainingError: instead of PyTorch's own error.
    """
    try:
        yield
    except RuntimeError as error:
        if _is_about_memory(error):
            raise TrainingError(f"{device}: out of memory; lower {memory_settings}") from error
        if _is_about_compiling(error):
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise TrainingError(
                f"torch.compile failed ({reason.strip()[:200]}); train without it "
                "(`compile=false`), or install what it needs: on a CPU a C++ compiler such as g++, "
                "named by the environment variable CXX"
            ) from error
        raise


def _is_about_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error).lower()


def _is_about_compiling(error: RuntimeError) -> bool:
    # By name: importing the compiler takes seconds, and is done already if it failed.
    return type(error).__module__.startswith(("torch._dynamo.", "torch._inductor."))
