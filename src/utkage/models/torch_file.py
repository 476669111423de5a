"""Files of ``torch.save``: tensors and plain values only, and nothing larger than the file.

``weights_only=True`` runs no code from a file. It does not bound what a file allocates: a packed
archive may unpack to any size, and a tensor may repeat one stored value a billion times.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from utkage.core.damaged_files import DAMAGE
from utkage.core.errors import WeightsError
from utkage.models.safetensors_file import read_arrays

# Deepest nesting of dictionaries and lists.
_DEEPEST = 32


def load_torch_file(path: Path) -> Any:
    """Read a file of ``torch.save`` that holds tensors and plain values, onto the CPU.

    Raises:
        WeightsError: damaged, packed, nested too deeply, or it contains other objects.
    """
    try:
        _require_unpacked(path)
        with warnings.catch_warnings():
            # torch warns about old and rare formats, about which users can do nothing.
            warnings.simplefilter("ignore")
            value = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGE as error:
        raise WeightsError(
            f"{path}: damaged, or contains more than tensors and plain values; pass a file that "
            "torch.save wrote from these"
        ) from error
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for item in level for inner in _items(item)]
    if level:
        raise WeightsError(f"{path}: nested deeper than {_DEEPEST} levels; pass a state dict")
    return value


def load_tensors(path: Path) -> Any:
    """The content of a safetensors file, or as in ``load_torch_file``; the suffix decides.

    Raises:
        WeightsError: damaged, or with values that are not finite.
    """
    if path.suffix.lower() == ".safetensors":
        return {name: torch.from_numpy(array) for name, array in read_arrays(path).items()}
    return load_torch_file(path)


def plain_tensors(value: Any, origin: str) -> dict[str, Tensor]:
    """The tensors of a state dictionary, detached, floating-point ones as float32.

    Raises:
        WeightsError: not a dictionary from texts to dense tensors of real numbers, or a value is
            NaN or infinite; ``origin`` names the file.
    """
    if not isinstance(value, Mapping):
        raise WeightsError(f"{origin}: holds a {type(value).__name__}; pass a state dict")
    state: dict[str, Tensor] = {}
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise WeightsError(
                f"{origin}: {ascii(name)[:60]} is a {type(tensor).__name__}; a state dict has "
                "names and tensors only"
            )
        state[name] = _plain(tensor, f"{origin}: the tensor {ascii(name)[1:-1][:60]}")
    return state


def _plain(tensor: Tensor, where: str) -> Tensor:
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        raise WeightsError(f"{where} is not an ordinary tensor with values; save it as one")
    if tensor.is_complex():
        raise WeightsError(f"{where} is {tensor.dtype}; save it as float32")
    stored = tensor.untyped_storage().nbytes()
    if tensor.numel() * tensor.element_size() > stored:
        raise WeightsError(f"{where} repeats stored values; save it with contiguous()")
    tensor = tensor.detach()
    if not tensor.is_floating_point():
        return tensor
    single = tensor.float()
    if not bool(torch.isfinite(single).all()):
        raise WeightsError(f"{where} holds NaN or infinity; use weights of an earlier epoch")
    return single


def _items(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else []


def _require_unpacked(path: Path) -> None:
    """Refuse compressed archives; torch stores its records as they are."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("a compressed archive")
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise ValueError("its records are larger than the file")
