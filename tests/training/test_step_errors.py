"""Errors of PyTorch in a step name the settings to change."""

from __future__ import annotations

import pytest
import torch

from utkage.core.errors import TrainingError
from utkage.training.failures import explaining_step_errors

CPU = torch.device("cpu")


def test_a_compiler_that_fails_is_explaining_step_errors() -> None:
    from torch._inductor.exc import InvalidCxxCompiler

    wanted = r"torch\.compile failed .*compile=false.*g\+\+"
    with pytest.raises(TrainingError, match=wanted), explaining_step_errors(CPU, "nothing"):
        raise InvalidCxxCompiler


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to..."),
    ],
    ids=["cuda", "cpu"],
)
def test_too_little_memory_names_what_to_lower(error: RuntimeError) -> None:
    wanted = r"^cpu: out of memory; lower --batch-size$"
    with pytest.raises(TrainingError, match=wanted), explaining_step_errors(CPU, "--batch-size"):
        raise error


def test_other_errors_are_left_alone() -> None:
    with (
        pytest.raises(RuntimeError, match=r"^shapes differ$"),
        explaining_step_errors(CPU, "nothing"),
    ):
        raise RuntimeError("shapes differ")
