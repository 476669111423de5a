"""``info``: the card of a weights file, or the description of a prepared set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from utkage.data.store import is_prepared, read_store_file
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import LoadedWeights


def describe(target: str) -> dict[str, Any]:
    """Read the card of a weights file, or the description of a prepared set.

    Raises:
        UsageError: there is no such file or folder.
        WeightsError: not a utkage weights file.
    """
    if is_prepared(Path(target)):
        return {"kind": "prepared set", "path": target, **read_store_file(Path(target))}
    return describe_weights(resolve_weights(target))


def describe_weights(weights: LoadedWeights) -> dict[str, Any]:
    """The card of weights, with their file."""
    return {
        "kind": "weights",
        "path": str(weights.path),
        "bytes": weights.path.stat().st_size,
        **weights.card.to_dict(),
    }
