"""All kinds of hostile input by name. To add one, write a module with a ``KIND`` and list it."""

from __future__ import annotations

from tools.fuzz import (
    archives,
    checkpoints,
    configs,
    onnx_files,
    pictures,
    plain_states,
    rows,
    stores,
    tables,
    weights,
)
from tools.fuzz.campaign import Kind

_MODULES = (
    weights,
    onnx_files,
    plain_states,
    checkpoints,
    configs,
    stores,
    tables,
    rows,
    pictures,
    archives,
)
KINDS: dict[str, Kind] = {module.KIND.name: module.KIND for module in _MODULES}
