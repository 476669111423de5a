"""Learning curves and the sample batch, as matplotlib reads them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from utkage.training.charts import MOST, plot_learning_curves, plot_sample_batch

ROWS: list[dict[str, Any]] = [
    {"epoch": 1, "size": 64, "train_loss": 4.0, "val_mae": 6.0, "val_cs5": 0.4},
    {"epoch": 2, "size": 64, "train_loss": None, "val_mae": 5.0, "val_cs5": 0.5},
    {"epoch": 3, "size": 96, "train_loss": 3.0, "val_mae": 5.5, "val_cs5": 0.6},
]


def line(axis: Axes, label: str) -> Any:
    (found,) = [line for line in axis.lines if line.get_label() == label]
    return found


def test_curves_hold_the_rows(tmp_path: Path, saved_figures: list[Figure]) -> None:
    plot_learning_curves(ROWS, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] > 900
    loss, mae, cs5 = saved_figures[0].axes
    assert line(loss, "training").get_xdata().tolist() == [1, 2, 3]
    assert np.array_equal(line(loss, "training").get_ydata(), [4, np.nan, 3], equal_nan=True)
    assert line(mae, "end to end").get_ydata().tolist() == [6.0, 5.0, 5.5]
    best = line(mae, "best: 5.00 in epoch 2")
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (2, 5.0)
    assert line(cs5, "errors of at most 5 years").get_ydata().tolist() == [0.4, 0.5, 0.6]
    # One dotted line, where the chip size changes.
    assert [v.get_xdata()[0] for v in loss.lines if v.get_linestyle() == ":"] == [2.5]


def test_curves_of_the_seed_system_after_one_epoch(
    tmp_path: Path, saved_figures: list[Figure]
) -> None:
    row = {"epoch": 1, "rates": {"gender": 1e-4}, "val_mae": 9.0, "val_oracle_mae": 2.0}
    losses = {"val_gender_loss": 0.6, "val_range_loss": 2.0, "val_gender_accuracy": 0.5}
    plot_learning_curves([{**row, **losses}], tmp_path / "curves.png")
    titles = [axis.get_title() for axis in saved_figures[0].axes]
    assert titles == ["Loss", "Validation MAE, years", "Validation accuracy"]
    assert line(saved_figures[0].axes[1], "with the true range fed in").get_ydata().tolist() == [
        2.0
    ]


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (5, 5), (11, 11), (64, MOST)])
def test_chips_with_their_labels(
    tmp_path: Path, saved_figures: list[Figure], count: int, shown: int
) -> None:
    images = np.zeros((count, 3, 16, 16), dtype=np.float32)
    images[:, 0] = np.arange(count)[:, None, None]
    images[0, 2] = 300.0
    ages, genders = np.arange(count) + 20, np.arange(count) % 2
    plot_sample_batch(images, ages, genders, tmp_path / "sample.png")
    axes = [axis for axis in saved_figures[0].axes if axis.images]
    assert len(axes) == shown
    assert axes[0].get_title() == "20, male"
    assert axes[0].images[0].get_array()[0, 0].tolist() == [0, 0, 255]
    assert axes[-1].get_title() == f"{19 + shown}, {'female' if shown % 2 == 0 else 'male'}"
    assert axes[-1].images[0].get_array()[5, 5, 0] == shown - 1
