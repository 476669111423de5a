"""Whether the colours of a face are in OpenCV's order, blue before red."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Flag of a face whose array seems to hold BGR instead of RGB.
BGR = "bgr"
# Skin is redder than blue in nearly any light. The measured rates are in docs/predict.md.
_LEAST_EXCESS_OF_RED = -8.0
# The middle of a chip, where it shows skin: rows and columns as shares of its size.
_ROWS, _COLUMNS = (0.3, 0.75), (0.3, 0.7)


def looks_bgr(chip: NDArray[np.uint8]) -> bool:
    """Whether the middle of an RGB chip, uint8 (S, S, 3), is bluer than skin is."""
    size = len(chip)
    (top, bottom), (left, right) = (
        (int(first * size), int(last * size)) for first, last in (_ROWS, _COLUMNS)
    )
    red, _, blue = chip[top:bottom, left:right].reshape(-1, 3).mean(axis=0)
    return bool(red - blue < _LEAST_EXCESS_OF_RED)
