"""``info``: what a weights file or a prepared set says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from utkage.data.store import is_prepared, read_store_file
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import read_card


def describe(target: str) -> dict[str, Any]:
    """The card of a weights file, or the description of a prepared set.

    Args:
        target: ``"shipped"``, ``"auto"``, a weights file, a run folder or a prepared set.

    Raises:
        UsageError: there is nothing like that.
        WeightsError: the file is not ours.
    """
    if is_prepared(Path(target)):
        return {"kind": "prepared set", "path": target, **read_store_file(Path(target))}
    path = resolve_weights(target).path
    return {
        "kind": "weights",
        "path": str(path),
        "bytes": path.stat().st_size,
        **read_card(path).to_dict(),
    }
