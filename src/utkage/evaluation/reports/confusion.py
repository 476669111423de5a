"""Confusion matrices, as counts and as shares of each true class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import GENDERS, RANGE_NAMES
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.reporting.figure_files import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Ints = NDArray[np.int64]


def range_confusion(faces: LabelledPredictions) -> Figure:
    """True against predicted age range."""
    return confusion_figure(faces.ranges, faces.range_index, RANGE_NAMES, "age range")


def gender_confusion(faces: LabelledPredictions) -> Figure:
    """True against predicted gender."""
    return confusion_figure(faces.genders, faces.gender, GENDERS, "gender")


def confusion_figure(true: Ints, predicted: Ints, names: Sequence[str], label: str) -> Figure:
    """Counts and shares side by side.

    Args:
        true: Index of each face's true class, (n,).
        predicted: Index of each face's predicted class, (n,).
        names: Names of the classes.
        label: Kind of the classes, such as ``"gender"``.
    """
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    size = 2.7 + 0.48 * len(names)
    figure = new_figure(2 * size, size - 0.8)
    for axes, normalize, form, title in zip(
        figure.subplots(1, 2),
        (None, "true"),
        ("d", ".2f"),
        (f"Faces (n = {len(true)})", f"Share of each true {label}"),
        strict=True,
    ):
        matrix = confusion_matrix(true, predicted, labels=range(len(names)), normalize=normalize)
        display = ConfusionMatrixDisplay(matrix, display_labels=names)
        display.plot(
            ax=axes, cmap="cividis", values_format=form, xticks_rotation=45, colorbar=False
        )
        axes.set_title(title)
        axes.set_xlabel(f"Predicted {label}")
        axes.set_ylabel(f"True {label}")
    return figure
