"""What a progress display says beside the losses: the best epoch, and when it will be over."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from typing import Any


class ProgressSummary:
    """How a training stands, in words.

    Args:
        step: Steps done before now, as of a run that goes on.
        total: Steps of the whole training.
    """

    def __init__(self, step: int, total: int) -> None:
        self._first, self._total = step, total
        self._started = time.monotonic()

    def words(self, step: int, rows: Sequence[Mapping[str, Any]]) -> str:
        """The best validation MAE so far, and the time that all further steps will take.

        Measured since this object was made: with validations, once there were some.

        Args:
            step: Steps done, at least one more than at the beginning.
            rows: Of the epochs so far, as in ``metrics.jsonl``.
        """
        each = (time.monotonic() - self._started) / (step - self._first)
        left = datetime.timedelta(seconds=round(each * (self._total - step)))
        best = [f"best MAE {min(float(row['val_mae']) for row in rows):.2f}"] if rows else []
        return ", ".join([*best, f"all epochs in {left}"])
