"""Learning curves: loss, age error and accuracies over the epochs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from utkage.reporting.figure_files import new_figure, save_figure
from utkage.training.summary import best_epoch

# Title of each panel, and its curves: a key of the rows, and the label.
PANELS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Loss",
        (
            ("train_loss", "training"),
            ("val_gender_loss", "gender, validation"),
            ("val_range_loss", "age range, validation"),
        ),
    ),
    (
        "Validation MAE, years",
        (("val_mae", "end to end"), ("val_oracle_mae", "with the true range fed in")),
    ),
    ("Validation CS@5", (("val_cs5", "errors of at most 5 years"),)),
    (
        "Validation accuracy",
        (
            ("val_gender_accuracy", "gender"),
            ("val_gender_accuracy_16plus", "gender, 16 and older"),
            ("val_range_accuracy", "age range"),
        ),
    ),
)


def plot_learning_curves(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw loss, MAE, CS@5 and accuracies, as far as the rows have them, and save it atomically.

    The best epoch by MAE is marked, and so are changes of the chip size.

    Args:
        rows: One per epoch, as in ``metrics.jsonl``; at least one.
        path: PNG, SVG or PDF file.
    """
    from matplotlib.ticker import MaxNLocator

    epochs = [int(row["epoch"]) for row in rows]
    best = best_epoch(rows)
    changes = [
        now["epoch"] - 0.5
        for before, now in itertools.pairwise(rows)
        if before.get("size") != now.get("size")
    ]
    panels = [
        (title, drawn)
        for title, curves in PANELS
        if (drawn := [(key, name) for key, name in curves if _has_values(rows, key)])
    ]
    figure = new_figure(5.2 * len(panels), 4.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, curves) in zip(axes, panels, strict=True):
        for key, name in curves:
            axis.plot(epochs, [_number(row.get(key)) for row in rows], marker=".", label=name)
        for change in changes:
            axis.axvline(change, color="grey", linestyle=":", linewidth=1)
        if any(key == "val_mae" for key, _ in curves):
            axis.plot(
                best["epoch"],
                best["val_mae"],
                "k*",
                markersize=12,
                label=f"best: {best['val_mae']:.2f} in epoch {best['epoch']}",
            )
        axis.set_title(title)
        axis.set_xlabel("Epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend()
    save_figure(figure, path.parent, path.stem, (path.suffix[1:],))


def _has_values(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(row.get(key) is not None for row in rows)


def _number(value: Any) -> float:
    # An epoch without the metric leaves a gap.
    return math.nan if value is None else float(value)
