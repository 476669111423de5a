"""Noticing answers that follow another convention of labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.classification import area_under_curve

# A guess of chance on so many faces stays within 0.5 +- 0.15; the other coding lies near 0.05.
_TURNED_AUC = 0.3
_ENOUGH = 40


def gender_is_inverted(genders: NDArray[np.int64], p_female: NDArray[np.float64]) -> bool:
    """Whether gender seems coded the other way round: well separated, but with the sides swapped.

    UTKFace says 0 male, 1 female; IMDB-WIKI and others say 1 male. False with too few faces of
    either side to tell.
    """
    women = int((genders == 1).sum())
    if min(women, len(genders) - women) < _ENOUGH // 2:
        return False
    return bool(area_under_curve(genders, p_female) < _TURNED_AUC)
