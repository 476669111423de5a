"""TensorBoard event files: the metrics of each epoch as scalars. The package is an extra."""

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
    """Write the metrics of each epoch as scalars, with the epoch as their step.

    Args:
        folder: Folder of the event files, made after the first epoch. A resumed run writes
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
            "`tensorboard`: the package tensorboard is not installed; "
            "pip install 'utkage[tensorboard]', or turn this setting off"
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
