"""The faces with the largest and smallest errors; it shows people, so it is not in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import GENDERS
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.reporting.figure_files import GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 8
ROWS = 2


def extreme_faces(faces: LabelledPredictions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the faces with the largest and the smallest age errors."""
    order = np.argsort(np.abs(faces.age - faces.ages), kind="stable")
    count = min(COLUMNS * ROWS, len(faces))
    return order[::-1][:count], order[:count]


def contact_sheet(faces: LabelledPredictions, chips: dict[int, NDArray[np.uint8]]) -> Figure:
    """Worst faces above, best below, each with true and predicted age and gender.

    Args:
        faces: Labels and predictions.
        chips: Chip of each of ``extreme_faces``, uint8 RGB (S, S, 3), by the index of the face.
    """
    worst, best = extreme_faces(faces)
    figure = new_figure(1.5 * COLUMNS, 3.9 * ROWS)
    axes = figure.subplots(2 * ROWS, COLUMNS)
    for axis in axes.flat:
        axis.axis("off")
    for block, (rows, label) in enumerate(((worst, "worst"), (best, "best"))):
        for place, row in enumerate(rows):
            axis = axes[block * ROWS + place // COLUMNS, place % COLUMNS]
            axis.imshow(chips[int(row)])
            axis.set_title(
                f"{label}: {faces.ages[row]} as {faces.age[row]:.0f}\n"
                f"{GENDERS[faces.genders[row]]} as {GENDERS[faces.gender[row]]}",
                fontsize=8,
            )
    figure.suptitle("Largest and smallest age errors (true as predicted)", color=GREY)
    return figure
