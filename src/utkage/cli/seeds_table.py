"""The table of ``utkage train --seeds``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utkage.evaluation.metrics.registry import METRICS, format_value
from utkage.reporting.table import Cell, Row, Table

if TYPE_CHECKING:
    from utkage.training.repeat import SeedsResult


def seeds_table(result: SeedsResult) -> Table:
    """The validation metrics of the best epoch of each training, their mean and deviation."""
    spreads = result.spreads
    metrics = {name: METRICS[name.removeprefix("val_")] for name in spreads}
    rows: list[Row] = [
        (
            str(seed),
            Cell(str(one.folder), is_path=True),
            str(one.best_epoch),
            *(format_value(row[name], metric.unit) for name, metric in metrics.items()),
        )
        for seed, one, row in zip(result.seeds, result.results, result.best_epochs, strict=True)
    ]
    for label, attribute in (("mean", "mean"), ("standard deviation", "deviation")):
        values = (
            format_value(getattr(spreads[name], attribute), metric.unit)
            for name, metric in metrics.items()
        )
        rows.append((label, "", "", *values))
    columns = ("seed", "run", "best epoch", *(metric.heading for metric in metrics.values()))
    title = f"validation, best epoch of {len(result.seeds)} trainings"
    return Table.of(title, columns, rows)
