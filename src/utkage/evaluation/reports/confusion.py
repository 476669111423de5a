"""The confusion matrix of the age ranges, as counts and as shares of each true range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.files import replacing
from utkage.data.labels import RANGE_NAMES


def plot_confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], path: Path) -> None:
    """Draw both forms side by side and save them, atomically.

    Args:
        true: Index of the true range of each face, (n,).
        predicted: Index of the predicted range, (n,).
        path: A file that matplotlib can write: ``.png``, ``.svg`` or ``.pdf``.
    """
    # Figure and Agg directly: pyplot would look for a display and keep global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    figure = Figure(figsize=(14, 6.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2)
    for axis, normalize, format_, title in (
        (axes[0], None, "d", f"Faces (n = {len(true)})"),
        (axes[1], "true", ".2f", "Share of each true range"),
    ):
        matrix = confusion_matrix(
            true, predicted, labels=range(len(RANGE_NAMES)), normalize=normalize
        )
        display = ConfusionMatrixDisplay(matrix, display_labels=RANGE_NAMES)
        display.plot(
            ax=axis, cmap="cividis", values_format=format_, xticks_rotation=45, colorbar=False
        )
        axis.set_title(title)
        axis.set_xlabel("Predicted age range")
        axis.set_ylabel("True age range")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=130)
