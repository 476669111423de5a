"""Reading safetensors files: the header within limits, and tensors whose values are finite.

The format: eight bytes with the length of the header, the header (a JSON object with type, shape
and place of each tensor, and texts in ``__metadata__``), and the data.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError, WeightsError
from utkage.core.fields import Fields
from utkage.core.json_text import parse_json

METADATA = "__metadata__"
# Limits of the header. That of the shipped weights has 80 kB and 140 tensors.
LONGEST_HEADER = 32 * 1024**2
_MOST_TENSORS = 50_000
_LENGTH_BYTES = 8

# Bytes of a value, for the types that NumPy has as well.
_TYPES: Mapping[str, int] = MappingProxyType(
    {
        **{"F64": 8, "F32": 4, "F16": 2, "BOOL": 1},
        **{"I64": 8, "I32": 4, "I16": 2, "I8": 1},
        **{"U64": 8, "U32": 4, "U16": 2, "U8": 1},
    }
)


def read_header(path: Path) -> dict[str, Any]:
    """Read the header: an entry for each tensor by name, and ``__metadata__``.

    Raises:
        UsageError: there is no such file.
        WeightsError: not a safetensors file, or one whose entries do not fit its data.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such weights file")
    try:
        size = path.stat().st_size - _LENGTH_BYTES
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES))
            if length > min(size, LONGEST_HEADER):
                raise ValueError("its header is longer than the file or than any header")
            header = Fields.of(parse_json(file.read(length), longest=LONGEST_HEADER), "its header")
    except (OSError, ValueError, struct.error) as error:
        raise WeightsError(
            f"{path}: not a safetensors file that can be read ({error}); pass weights written by "
            "'utkage train'"
        ) from error
    try:
        _require_entries(header, size - length)
    except ValueError as error:
        raise WeightsError(
            f"{path}: damaged weights file ({error}); copy the file again"
        ) from error
    return dict(header.values)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all tensors as they are stored, without torch.

    Raises:
        UsageError: there is no such file.
        WeightsError: damaged, or a value is NaN or infinite.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    read_header(path)
    try:
        arrays: dict[str, NDArray[Any]] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: damaged weights file ({error}); copy the file again"
        ) from error
    require_finite(arrays, str(path))
    return arrays


def require_finite(arrays: Mapping[str, NDArray[Any]], origin: str) -> None:
    """Refuse floating-point tensors with NaN or infinity, also once they are float32.

    Raises:
        WeightsError: names ``origin`` and the tensor.
    """
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            continue
        with np.errstate(over="ignore"):
            single = array.astype(np.float32, copy=False)
        if not np.isfinite(single).all():
            raise WeightsError(
                f"{origin}: the tensor {name} holds NaN or infinity; use weights of an earlier "
                "epoch, or train again with a lower `learning_rate`"
            )


def _require_entries(header: Fields, data_bytes: int) -> None:
    if len(header.values) > _MOST_TENSORS:
        raise ValueError(f"its header names more than {_MOST_TENSORS:,} tensors")
    for name in header.values:
        if name == METADATA:
            texts = header.table(name)
            if not all(isinstance(text, str) for text in texts.values()):
                raise ValueError(f"its header has {METADATA} that is not text")
            continue
        entry = header.fields(name)
        kind, shape = entry.text("dtype"), entry.numbers("shape", least=0)
        if kind not in _TYPES:
            raise ValueError(
                f"the tensor {name} has the type {json.dumps(kind)}; save it as F32 or F16"
            )
        first, end = entry.numbers("data_offsets", 2, least=0)
        if end > data_bytes:
            raise ValueError(f"it ends before the tensor {name} does")
        if end - first != _TYPES[kind] * math.prod(shape):
            raise ValueError(f"the tensor {name} has another shape than its data")
