"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math

FINAL_FRACTION = 0.01


def learning_rate(step: int, total: int, peak: float, warmup: float) -> float:
    """Linear warm-up to ``peak``, then a half cosine down to 1 % of it.

    Args:
        step: From 0 to ``total - 1``.
        total: Number of steps of the whole training.
        peak: Highest rate.
        warmup: Fraction of ``total`` for the rise.
    """
    rising = int(warmup * total)
    if step < rising:
        return peak * (step + 1) / rising
    progress = (step - rising) / max(1, total - rising)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return peak * (FINAL_FRACTION + (1 - FINAL_FRACTION) * cosine)
