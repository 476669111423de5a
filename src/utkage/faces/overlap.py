"""Duplicate detections of one face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def distinct(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    max_iou: float,
    max_inside: float,
) -> list[int]:
    """Greedy non-maximum suppression: indices of the boxes that stay, the highest score first.

    Args:
        boxes: (n, 4) of x0, y0, x1, y1.
        scores: (n,); of duplicates, the highest score stays.
        max_iou: Intersection over union above which two boxes are one face.
        max_inside: Share of a box inside another above which the two are one face.
    """
    areas = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.prod(np.clip(high - low, 0, None), axis=1)
        union = np.maximum(areas[best] + areas[rest] - common, 1e-9)
        smaller = np.maximum(np.minimum(areas[best], areas[rest]), 1e-9)
        order = rest[(common / union <= max_iou) & (common / smaller <= max_inside)]
    return kept
