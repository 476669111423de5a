"""The metadata at the top of a model card, by which a model hub files and lists the model.

It is YAML between two lines of dashes ("front matter"). Every value is written as JSON, which is
valid YAML, so that no name can break the block.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TASK = "image-classification"
LICENCE_NAME = "terms-of-the-training-data"
LICENCE_FILE = "LICENSE"


@dataclass(frozen=True)
class HubResult:
    """Metrics on one set of test faces.

    Attributes:
        dataset: Name of the faces, such as ``"UTKFace test"``.
        metrics: Values by their label, such as ``{"MAE, years": 4.0}``.
        types: The kind of each metric, ``"mae"`` or ``"accuracy"``, by the same label.
    """

    dataset: str
    metrics: Mapping[str, float]
    types: Mapping[str, str]


def front_matter(
    name: str,
    datasets: Sequence[str],
    results: Iterable[HubResult],
    base_model: str | None = None,
) -> str:
    """The block, with its two lines of dashes.

    Args:
        name: Name of the model.
        datasets: Names of the data sets of the training.
        results: Metrics by data set, for ``model-index``; the block has none if there are none.
        base_model: Identifier of the initial weights on the hub, if they are there.
    """
    index = [_result(found) for found in results]
    entries: dict[str, Any] = {
        "library_name": "utkage",
        "license": "other",
        "license_name": LICENCE_NAME,
        "license_link": LICENCE_FILE,
        "pipeline_tag": _TASK,
        "tags": ["age-estimation", "gender-classification", "faces"],
        "datasets": list(datasets) or None,
        "base_model": base_model,
        "metrics": ["mae", "accuracy"],
        "model-index": [{"name": name, "results": index}] if index else None,
    }
    lines = (
        f"{key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in entries.items()
        if value is not None
    )
    return "\n".join(("---", *lines, "---"))


def _result(found: HubResult) -> dict[str, Any]:
    return {
        "task": {"type": _TASK, "name": "age and gender from faces"},
        "dataset": {"type": found.dataset.split()[0].lower(), "name": found.dataset},
        "metrics": [
            {"type": found.types[label], "name": label, "value": round(value, 4)}
            for label, value in found.metrics.items()
        ],
    }
