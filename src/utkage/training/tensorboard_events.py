"""TensorBoard event files: the figures of each epoch as curves. The package is an extra."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from utkage.core.errors import UsageError
from utkage.training.summary import OnEpoch, flattened

EVENTS_FOLDER = "tensorboard"


@contextlib.contextmanager
def event_files(folder: Path) -> Iterator[OnEpoch]:
    """Write the rows of each epoch that is told as scalars, with the epoch as their step.

    Args:
        folder: Where the event files go; made with the first epoch. A run that goes on writes
            another file beside the first, and TensorBoard joins them.

    Yields:
        A function to call after every epoch.

    Raises:
        UsageError: the package tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            "`tensorboard`: the package tensorboard is not here; "
            "pip install 'utkage[tensorboard]', or leave the option out"
        ) from error
    writers: list[SummaryWriter] = []

    def on_epoch(rows: Sequence[dict[str, Any]]) -> None:
        if not writers:
            writers.append(SummaryWriter(str(folder)))
        row = rows[-1]
        for name, value in flattened(row):
            if name != "epoch" and isinstance(value, (int, float)):
                writers[0].add_scalar(name.replace(".", "/"), value, row["epoch"])
        writers[0].flush()

    try:
        yield on_epoch
    finally:
        for writer in writers:
            writer.close()
