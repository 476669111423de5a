"""The remaining time of a training."""

from __future__ import annotations

import datetime
import time


class RemainingTime:
    """Extrapolates from the steps since this object was made, validations included.

    Args:
        step: Steps done before, as in a resumed run.
        total: Steps of the whole training.
    """

    def __init__(self, step: int, total: int) -> None:
        self._first, self._total = step, total
        self._started = time.monotonic()

    def text(self, step: int) -> str:
        """Estimated time of all further steps.

        Args:
            step: Steps done, at least one more than at the beginning.
        """
        per_step = (time.monotonic() - self._started) / (step - self._first)
        left = datetime.timedelta(seconds=round(per_step * (self._total - step)))
        return f"{left} left"
