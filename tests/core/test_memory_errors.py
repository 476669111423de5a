from __future__ import annotations

import numpy as np
import pytest

from utkage.core.errors import DataError, UtkageError
from utkage.core.memory_errors import explaining_memory_errors, is_memory_error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        np.exceptions.AxisError("Unable to allocate 7. TiB for an array"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("Failed to allocate memory for requested buffer of size 512"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("OpenCV(4.8) error: (-4:Insufficient memory) Failed to allocate 9 bytes"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_the_errors_of_all_libraries_are_recognised_and_explained(error: Exception) -> None:
    assert is_memory_error(error)
    with (
        pytest.raises(UtkageError, match=r"^out of memory; lower `batch_size`$"),
        explaining_memory_errors("lower `batch_size`"),
    ):
        raise error


def test_a_real_allocation_fails_with_the_advice() -> None:
    with (
        pytest.raises(UtkageError, match="out of memory; use less"),
        explaining_memory_errors("use less"),
    ):
        np.empty(2**46, dtype=np.float64)


def test_other_errors_stay_what_they_are() -> None:
    for error in (ValueError("no memory of it"), DataError("out of memory; lower it")):
        with pytest.raises(type(error), match=str(error)), explaining_memory_errors("x"):
            raise error
