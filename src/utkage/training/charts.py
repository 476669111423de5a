"""Charts of a run: learning curves, and the first batch with its labels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import GENDERS
from utkage.reporting.figure_files import new_figure, save_figure
from utkage.training.summary import best_epoch

# Size of the sample batch.
COLUMNS = 8
MOST = 32

# Title of each panel, and its curves: a key of the rows, and the label.
PANELS: dict[str, dict[str, str]] = {
    "Loss": {
        "train_loss": "training",
        "val_gender_loss": "gender, validation",
        "val_range_loss": "age range, validation",
    },
    "Validation MAE, years": {
        "val_mae": "end to end",
        "val_oracle_mae": "with the true range fed in",
    },
    "Validation distance to the labelled range, years": {
        "val_label_range_distance": "ages that are ranges",
    },
    "Validation CS@5": {"val_cs5": "errors of at most 5 years"},
    "Validation accuracy": {
        "val_gender_accuracy": "gender",
        "val_gender_accuracy_16plus": "gender, 16 and older",
        "val_range_accuracy": "age range",
        "val_label_range_accuracy": "age within the labelled range",
    },
}


def plot_learning_curves(
    rows: Sequence[Mapping[str, Any]], path: Path, select_by: str = "mae"
) -> None:
    """Draw loss, MAE, CS@5 and accuracies, as far as the rows have them, and save it atomically.

    The best epoch is marked, and so are changes of the chip size. The rows, one or more, are those
    of ``metrics.jsonl``; the path ends in png, svg or pdf.
    """
    from matplotlib.ticker import MaxNLocator

    epochs = [int(row["epoch"]) for row in rows]
    best = best_epoch(rows, select_by)
    changes = [
        now["epoch"] - 0.5
        for before, now in itertools.pairwise(rows)
        if before.get("size") != now.get("size")
    ]
    known = {key for row in rows for key, value in row.items() if value is not None}
    panels = {title: curves for title, curves in PANELS.items() if known & curves.keys()}
    figure = new_figure(5.2 * len(panels), 4.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for key in [key for key in curves if key in known]:
            # An epoch without the metric, None, leaves a gap.
            values = np.array([row.get(key) for row in rows], dtype=float)
            axis.plot(epochs, values, marker=".", label=curves[key])
        for change in changes:
            axis.axvline(change, color="grey", linestyle=":", linewidth=1)
        if "val_mae" in curves:
            label = f"best: {best['val_mae']:.2f} in epoch {best['epoch']}"
            axis.plot(best["epoch"], best["val_mae"], "k*", markersize=12, label=label)
        axis.set_title(title)
        axis.set_xlabel("Epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend()
    save_figure(figure, path.parent, path.stem, (path.suffix[1:],))


def plot_sample_batch(
    images: NDArray[np.float32], ages: NDArray[np.int64], genders: NDArray[np.int64], path: Path
) -> None:
    """Draw the first chips of a batch as a grid with ages and genders, and save it atomically.

    Args:
        images: (N, 3, S, S), RGB in 0..255; up to 32 are drawn.
        ages: (N,), years; -1 if unknown or a range.
        genders: (N,), 0 male, 1 female; -1 if unknown.
        path: PNG, SVG or PDF file.
    """
    count = min(len(images), MOST)
    columns = min(count, COLUMNS)
    lines = math.ceil(count / columns)
    pixels = np.clip(np.rint(images[:count]), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    figure = new_figure(1.5 * columns, 1.75 * lines)
    axes = figure.subplots(lines, columns, squeeze=False).reshape(-1)
    for axis in axes:
        axis.set_axis_off()
    for axis, chip, age, gender in zip(axes, pixels, ages, genders, strict=False):
        axis.imshow(chip)
        known = [str(age)] if age >= 0 else []
        if gender >= 0:
            known.append(GENDERS[gender])
        axis.set_title(", ".join(known), fontsize=8)
    save_figure(figure, path.parent, path.stem, (path.suffix[1:],))
