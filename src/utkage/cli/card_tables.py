"""The tables of ``utkage info``: facts, metrics by split, and metrics by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from utkage.core.fields import Fields, is_number
from utkage.core.text import printable
from utkage.evaluation.groups.group_metrics import Group
from utkage.evaluation.metrics.registry import SHARE, YEARS, format_value
from utkage.evaluation.reports.tables import groups_table
from utkage.reporting.table import Cell, Table

# Longer lists of numbers, such as the levels of a calibration, are for programs.
LONGEST_LIST = 8
# Short headings and units of the metrics of a split, by their keys in the card.
COLUMNS = {
    "mae": ("MAE", YEARS),
    "mae_21_60": ("MAE 21-60", YEARS),
    "cs5": ("CS@5", SHARE),
    "range_accuracy": ("range", SHARE),
    "gender_accuracy": ("gender", SHARE),
    "gender_accuracy_16plus": ("gender 16+", SHARE),
    "interval_coverage": ("80 % interval", SHARE),
    "baseline_mae": ("MAE of median", YEARS),
}


def description_tables(description: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of a description from ``models.describe.describe``."""
    metrics = {
        split: found
        for split, found in description.get("metrics", {}).items()
        if _is_readable(found)
    }
    facts = []
    for name, value in description.items():
        if name == "metrics":
            value = {split: found for split, found in value.items() if split not in metrics}
        if name != "kind" and value not in ({}, (), []):
            facts.append((Cell(name, emphasised=True), Cell(_format(value), has_lines=True)))
    yield Table.of(str(description["kind"]), ("", ""), facts)
    if metrics:
        yield _split_metrics(metrics)
    for split, found in metrics.items():
        if "groups" in found:
            groups = _groups(found)
            yield groups_table(groups, ("mae", "gender_accuracy"), f"{split} (95 % intervals)")


def _is_readable(found: Mapping[str, Any]) -> bool:
    """Whether the metrics of a split have the names and types that the tables show."""
    if not {"mae", "n"} <= found.keys():
        return False
    try:
        _groups(found)
    except ValueError:
        return False
    return all(found.get(key) is None or is_number(found[key]) for key in ("n", *COLUMNS))


def _groups(found: Mapping[str, Any]) -> list[Group]:
    stored = Fields(found).list_of_fields("groups") if "groups" in found else []
    return [Group.from_dict(each.values) for each in stored]


def _split_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    keys = [key for key in COLUMNS if any(key in found for found in metrics.values())]
    rows = [
        (split, str(found["n"]), *(format_value(found.get(key), COLUMNS[key][1]) for key in keys))
        for split, found in metrics.items()
    ]
    return Table.of("", ("metrics", "n", *(COLUMNS[key][0] for key in keys)), rows)


def _format(value: Any) -> str:
    """A value of a card: one line per item of a table or of a list of texts."""
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {_inline(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)) and value and not _is_number(value[0]):
        return "\n".join(_inline(item) for item in value)
    return _inline(value)


def _inline(value: Any) -> str:
    """A value on one line; long lists of numbers are summarised."""
    if isinstance(value, Mapping):
        items = value.items()
        return ", ".join(f"{printable(str(name))} {_nested(inner)}" for name, inner in items)
    if isinstance(value, (list, tuple)):
        if len(value) > LONGEST_LIST and all(map(_is_number, value)):
            return f"{len(value)} values, {_inline(min(value))} to {_inline(max(value))}"
        return ", ".join(map(_nested, value))
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))


def _nested(value: Any) -> str:
    text = _inline(value)
    return f"({text})" if isinstance(value, (Mapping, list, tuple)) else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
