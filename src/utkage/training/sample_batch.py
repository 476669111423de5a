"""Chart of a training batch: augmented chips under their labels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import GENDERS
from utkage.reporting.figure_files import new_figure, save_figure

COLUMNS = 8
MOST = 32


def plot_sample_batch(
    images: NDArray[np.float32],
    ages: NDArray[np.int64],
    genders: NDArray[np.int64],
    path: Path,
) -> None:
    """Draw the first chips of a batch as a grid with ages and genders, and save it atomically.

    Args:
        images: (N, 3, S, S), RGB in 0..255; up to 32 are drawn.
        ages: (N,), years.
        genders: (N,), 0 male, 1 female.
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
        axis.set_title(f"{age}, {GENDERS[gender]}", fontsize=8)
    save_figure(figure, path.parent, path.stem, (path.suffix[1:],))
