"""Files of tensors that other programs write: torch and safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from utkage.core.errors import WeightsError


def load_tensors(path: Path) -> Any:
    """The content of a file; the suffix ``.safetensors`` decides its format.

    Raises:
        WeightsError: it is damaged, or contains more than tensors, which could run a program.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(
            f"{path}: damaged, or contains more than tensors; pass a file of tensors only"
        ) from error
