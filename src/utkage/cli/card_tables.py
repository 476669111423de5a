"""What ``utkage info`` prints for people: facts, then figures by split, then those of groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from utkage.evaluation.groups import Group
from utkage.evaluation.populations import SHARE, YEARS, shown, shown_estimate

# Of the metrics of a split: heading and unit of those that have a column.
COLUMNS = {
    "mae": ("MAE", YEARS),
    "mae_21_60": ("MAE 21-60", YEARS),
    "cs5": ("CS@5", SHARE),
    "range_accuracy": ("range", SHARE),
    "gender_accuracy": ("gender", SHARE),
    "gender_accuracy_16plus": ("gender 16+", SHARE),
    "interval_coverage": ("in 80 % interval", SHARE),
    "baseline_mae": ("MAE of the median age", YEARS),
}


def print_description(description: Mapping[str, Any]) -> None:
    """Print what ``models.describe.describe`` found."""
    console = Console()
    metrics = {
        split: found
        for split, found in description.get("metrics", {}).items()
        if "mae" in found and "n" in found
    }
    facts = Table(show_header=False, title=str(description["kind"]))
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for name, value in description.items():
        if name == "metrics":
            value = {split: found for split, found in value.items() if split not in metrics}
        if name != "kind" and value not in ({}, (), []):
            facts.add_row(name, Text(_in_words(value)))
    console.print(facts)
    if metrics:
        console.print(_figures(metrics))
    for split, found in metrics.items():
        if "groups" in found:
            console.print(_groups(split, found["groups"]))


def _figures(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    keys = [key for key in COLUMNS if any(key in found for found in metrics.values())]
    table = Table("figures", "n", *(COLUMNS[key][0] for key in keys))
    for split, found in metrics.items():
        cells = [shown(found.get(key), COLUMNS[key][1]) for key in keys]
        table.add_row(split, str(found["n"]), *cells)
    return table


def _groups(split: str, stored: list[Mapping[str, Any]]) -> Table:
    table = Table(split, "n", "MAE (95 % interval)", "gender right (95 % interval)")
    for group in map(Group.from_dict, stored):
        found = group.figures
        table.add_row(
            f"{group.axis} {group.name}",
            str(group.n),
            shown_estimate(found["mae"], YEARS),
            shown_estimate(found["gender_accuracy"], SHARE),
        )
    return table


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(
            f"{name}: {', '.join(f'{k} {v}' for k, v in inner.items())}"
            if isinstance(inner, dict)
            else f"{name}: {_in_words(inner)}"
            for name, inner in value.items()
        )
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, dict) for item in value):
            return "\n".join(", ".join(f"{k} {_in_words(v)}" for k, v in i.items()) for i in value)
        scalars = all(isinstance(item, (int, float)) for item in value)
        return (", " if scalars else "\n").join(_in_words(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
