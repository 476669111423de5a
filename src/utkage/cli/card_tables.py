"""The tables of ``utkage info``: facts, metrics by split, and metrics by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from utkage.evaluation.groups import Group
from utkage.evaluation.metrics import SHARE, YEARS, format_value
from utkage.evaluation.reports.tables import groups_table
from utkage.reporting.table import Cell, Table

# Short headings and units of the metrics of a split, by their keys in the card.
COLUMNS = {
    "mae": ("MAE", YEARS),
    "mae_21_60": ("MAE 21-60", YEARS),
    "cs5": ("CS@5", SHARE),
    "range_accuracy": ("range", SHARE),
    "gender_accuracy": ("gender", SHARE),
    "gender_accuracy_16plus": ("gender 16+", SHARE),
    "interval_coverage": ("80 % interval", SHARE),
    "baseline_mae": ("MAE of the median age", YEARS),
}


def description_tables(description: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of a description from ``models.describe.describe``."""
    metrics = {
        split: found
        for split, found in description.get("metrics", {}).items()
        if "mae" in found and "n" in found
    }
    facts = []
    for name, value in description.items():
        if name == "metrics":
            value = {split: found for split, found in value.items() if split not in metrics}
        if name != "kind" and value not in ({}, (), []):
            facts.append((Cell(name, emphasised=True), _format(value)))
    yield Table.of(str(description["kind"]), ("", ""), facts)
    if metrics:
        yield _split_metrics(metrics)
    for split, found in metrics.items():
        if "groups" in found:
            groups = [Group.from_dict(stored) for stored in found["groups"]]
            yield groups_table(groups, ("mae", "gender_accuracy"), f"{split} (95 % intervals)")


def _split_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    keys = [key for key in COLUMNS if any(key in found for found in metrics.values())]
    rows = [
        (split, str(found["n"]), *(format_value(found.get(key), COLUMNS[key][1]) for key in keys))
        for split, found in metrics.items()
    ]
    return Table.of("", ("metrics", "n", *(COLUMNS[key][0] for key in keys)), rows)


def _format(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(
            f"{name}: {', '.join(f'{k} {v}' for k, v in inner.items())}"
            if isinstance(inner, dict)
            else f"{name}: {_format(inner)}"
            for name, inner in value.items()
        )
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, dict) for item in value):
            return "\n".join(", ".join(f"{k} {_format(v)}" for k, v in i.items()) for i in value)
        scalars = all(isinstance(item, (int, float)) for item in value)
        return (", " if scalars else "\n").join(_format(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
