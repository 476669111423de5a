"""A table of trainings, and how much trainings of the same recipe differ.

Metrics are those of the epoch with the lowest validation MAE, without flip averaging. Below the
table stands the standard deviation of a training: the spread of a metric within rows, pooled over
all rows that have several trainings.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.documents import Block, markdown
from tools.report.page import ReportPage
from utkage.training.summary import read_epochs

SOURCES = ("UTKFace", "AAF")

Epoch = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A metric of a training.

    Attributes:
        heading: Heading of its column.
        value: Gets the metric from the best epoch.
        shown: Formats it.
        shown_spread: Formats its standard deviation.
    """

    heading: str
    value: Callable[[Epoch], float]
    shown: Callable[[float], str] = "{:.2f}".format
    shown_spread: Callable[[float], str] = "{:.3f} years".format


def _of_source(source: str, key: str) -> Callable[[Epoch], float]:
    return lambda epoch: float(epoch["val_sources"][source][key])


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _points(value: float) -> str:
    return f"{100 * value:.2f} points"


COLUMNS = (
    Column("MAE", lambda epoch: float(epoch["val_mae"])),
    *(Column(f"MAE, {source}", _of_source(source, "mae")) for source in SOURCES),
    *(
        Column(f"{name}, {source}", _of_source(source, f"{name}_accuracy"), _percent, _points)
        for name in ("range", "gender")
        for source in SOURCES
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What was trained, and where."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RECIPE=FOLDER",
        help="a recipe, described in text, and a run folder of the default system; folders with "
        "the same text share a row, which shows their means",
    )


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Read the epochs of all runs."""
    trainings: dict[str, list[list[dict[str, Any]]]] = {}
    for argument in options.runs:
        recipe, _, folder = argument.rpartition("=")
        trainings.setdefault(recipe, []).append(read_epochs(Path(folder)))
    return {"runs": training_block(trainings)}


def training_block(trainings: Mapping[str, Sequence[Sequence[Epoch]]]) -> Block:
    """The table, and the spread below it.

    Args:
        trainings: The epochs of every run, by recipe.
    """
    rows = []
    squares, freedom = [0.0] * len(COLUMNS), 0
    for recipe, runs in trainings.items():
        best = [min(run, key=lambda epoch: float(epoch["val_mae"])) for run in runs]
        means = []
        for place, column in enumerate(COLUMNS):
            values = [column.value(epoch) for epoch in best]
            means.append(statistics.fmean(values))
            squares[place] += sum((value - means[-1]) ** 2 for value in values)
        freedom += len(runs) - 1
        epochs = " or ".join(sorted({str(len(run)) for run in runs}))
        cells = [column.shown(mean) for column, mean in zip(COLUMNS, means, strict=True)]
        rows.append((recipe, str(len(runs)), epochs, *cells))
    columns = ("what was trained", "trainings", "epochs", *(own.heading for own in COLUMNS))
    text = markdown(columns, rows)
    if freedom:
        spreads = ", ".join(
            f"{column.heading} {column.shown_spread(math.sqrt(square / freedom))}"
            for column, square in zip(COLUMNS, squares, strict=True)
        )
        text += (
            f"\n\nStandard deviation of a training, {freedom} degrees of freedom: {spreads}. Two "
            "trainings differ by chance by up to 2.8 times as much (95 %)."
        )
    count = {int(run[0]["val_n"]) for runs in trainings.values() for run in runs}
    faces = " or ".join(f"{number:,}" for number in sorted(count))
    return Block(text, f"{faces} validation faces, no flip averaging, the best epoch of each")


PAGE = ReportPage(
    name="run-table",
    summary="compare trainings, and the spread between trainings of the same recipe",
    document="accuracy.md",
    add_options=add_options,
    measure=measure,
)
