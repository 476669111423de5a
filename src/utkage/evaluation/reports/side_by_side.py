"""The table of several models on several sources."""

from __future__ import annotations

from utkage.core.distinct_names import distinct_ends
from utkage.core.text import counted, printable
from utkage.evaluation.comparison.side_by_side import SideBySide
from utkage.evaluation.metrics.bootstrap import Estimate
from utkage.evaluation.metrics.registry import METRICS, SHARE, format_estimate, format_value
from utkage.evaluation.reports.cells import estimate_cell, number_cell
from utkage.reporting.table import Cell, Row, Table


def side_by_side_table(found: SideBySide) -> Table:
    """The main metrics of each model on each source, their mean and the worst source.

    The faces that each model predicts are shown where one of them does not predict all.
    """
    rows: list[Row] = []
    small = []
    for metric in dict.fromkeys(row.metric for row in found.sources):
        heading, unit = METRICS[metric].heading, METRICS[metric].unit
        for row in found.sources:
            if row.metric != metric:
                continue
            if row.small:
                small.append(len(rows))
            name = f"{row.source} (few faces)" if row.small else row.source
            cells = _cells(row.values, row.differences, unit)
            rows.append((heading, name, number_cell(row.n), *cells))
        for mean in found.means:
            if mean.metric == metric:
                label = f"mean of {counted(len(mean.sources), 'source')}"
                rows.append((heading, label, "", *_cells(mean.values, mean.differences, unit)))
                ends = zip(mean.worst, mean.worst_values, strict=True)
                worst = (
                    Cell("-" if name is None else f"{format_value(value, unit)} ({name})", value)
                    for name, value in ends
                )
                rows.append((heading, "worst source", "", *worst))
    rows += _coverage_rows(found)
    columns = ("metric", "source", "n", *_headings(found.models))
    return Table.of("side by side", columns, rows, muted=small, note=_note(found))


def _headings(models: tuple[str, ...]) -> list[str]:
    """The shortest names that tell the models apart."""
    return distinct_ends([tuple(name.removesuffix(".safetensors").split("/")) for name in models])


def _cells(
    values: tuple[Estimate, ...], differences: tuple[Estimate, ...], unit: str
) -> list[Cell]:
    """The first model's value with its interval; of the others, the value and the difference."""
    cells = [estimate_cell(values[0], unit)]
    for value, difference in zip(values[1:], differences[1:], strict=True):
        text = format_value(value.value, unit)
        if difference.value is not None:
            text = f"{text}, {format_estimate(difference, unit, signed=True)}"
        cells.append(Cell(text, value.value))
    return cells


def _coverage_rows(found: SideBySide) -> list[Row]:
    """How many labelled faces each model predicts, where one does not predict all."""
    rows: list[Row] = []
    for row in sorted(found.predicted, key=lambda row: row.label):
        if min(row.predicted) < row.n:
            shares = [count / row.n for count in row.predicted]
            cells = (
                Cell(f"{format_value(share, SHARE)} ({count})", share)
                for share, count in zip(shares, row.predicted, strict=True)
            )
            rows.append((f"{row.label} predicted", row.source, number_cell(row.n), *cells))
    return rows


def _note(found: SideBySide) -> str:
    first = printable(_headings(found.models)[0])
    notes = [
        f"After a comma: the difference to {first}, with the 95 % interval of the paired bootstrap "
        "within each source."
    ]
    if any(min(row.predicted) < row.n for row in found.predicted):
        notes.append("Compared on the faces that all models predict (n).")
    return "\n".join(notes)
