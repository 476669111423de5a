"""Put a table of trainings, and how far alike ones differ, into docs/accuracy.md.

    python tools/write_run_table.py "both sources=runs/first" "both sources=runs/second" ...

Each argument is what was trained, in words, and a run folder of the default system; folders with
the same words are the same recipe with other seeds (or, for folds, other faces) and share a row,
which shows their means. Figures are of the epoch with the lowest validation MAE, without flip
averaging. Below the table stands the standard deviation of a training: what remains of a figure's
spread within rows, pooled over all rows that have several trainings.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.docs.numbers import fill_page
from utkage.training.summary import read_epochs

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
SOURCES = ("UTKFace", "AAF")


@dataclass(frozen=True)
class Column:
    """A figure of a training.

    Attributes:
        words: Its head.
        value: From the row of the best epoch.
        shown: Its form.
        shown_spread: The form of its standard deviation.
    """

    words: str
    value: Callable[[Mapping[str, Any]], float]
    shown: Callable[[float], str] = "{:.2f}".format
    shown_spread: Callable[[float], str] = "{:.3f} years".format


def _of_source(source: str, key: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda row: float(row["val_sources"][source][key])


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _points(value: float) -> str:
    return f"{100 * value:.2f} points"


COLUMNS = (
    Column("MAE", lambda row: float(row["val_mae"])),
    *(Column(f"MAE, {source}", _of_source(source, "mae")) for source in SOURCES),
    *(
        Column(f"{words}, {source}", _of_source(source, key), _percent, _points)
        for words, key in (("range", "range_accuracy"), ("gender", "gender_accuracy"))
        for source in SOURCES
    ),
)


def table(trainings: Mapping[str, Sequence[list[dict[str, Any]]]]) -> str:
    """The table, and the spread below it.

    Args:
        trainings: The epochs of every run, by what was trained.
    """
    heads = ["what was trained", "trainings", "epochs", *(column.words for column in COLUMNS)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    squares, freedom = [0.0] * len(COLUMNS), 0
    for words, runs in trainings.items():
        best = [min(run, key=lambda row: float(row["val_mae"])) for run in runs]
        cells = []
        for place, column in enumerate(COLUMNS):
            values = [column.value(row) for row in best]
            mean = statistics.fmean(values)
            squares[place] += sum((value - mean) ** 2 for value in values)
            cells.append(column.shown(mean))
        freedom += len(runs) - 1
        epochs = " or ".join(sorted({str(len(run)) for run in runs}))
        lines.append(f"| {words} | {len(runs)} | {epochs} | {' | '.join(cells)} |")
    if freedom:
        spreads = ", ".join(
            f"{column.words} {column.shown_spread(math.sqrt(square / freedom))}"
            for column, square in zip(COLUMNS, squares, strict=True)
        )
        lines += [
            "",
            f"Standard deviation of a training, {freedom} degrees of freedom: {spreads}. Two "
            "trainings differ by chance by up to 2.8 times as much (95 %).",
        ]
    count = {int(run[0]["val_n"]) for runs in trainings.values() for run in runs}
    faces = " or ".join(f"{number:,}" for number in sorted(count))
    lines += [
        "",
        f"{faces} validation faces, no flip averaging, the best epoch of each. Written by "
        "`tools/write_run_table.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", nargs="+", metavar="WORDS=FOLDER")
    trainings: dict[str, list[list[dict[str, Any]]]] = {}
    for argument in parser.parse_args().runs:
        words, _, folder = argument.rpartition("=")
        trainings.setdefault(words, []).append(read_epochs(Path(folder)))
    fill_page(DOCS / "accuracy.md", "runs", table(trainings))


if __name__ == "__main__":
    main()
