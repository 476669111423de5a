"""All kinds of hostile input by name. To add one, write a module with a ``KIND`` and list it."""

from __future__ import annotations

from tools.fuzz import (
    archives,
    checkpoints,
    configs,
    interrupted,
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
# Kinds that interrupt commands instead of changing their inputs.
STOPS = (interrupted.KILLS, interrupted.PAIRS)
KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (*(module.KIND for module in _MODULES), *STOPS)
}
