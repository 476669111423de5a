"""The package versions that a result depends on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

RECORDED = ("utkage", "torch", "torchvision", "numpy", "onnx", "onnxruntime", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect results; missing packages are skipped."""
    found = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
