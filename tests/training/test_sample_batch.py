"""The sample batch: chips under their labels, as matplotlib reads them back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from utkage.training.charts import MOST, plot_sample_batch


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
