"""The run folder: what ``train`` writes beside weights, metrics and checkpoints.

* ``config.toml``: the whole recipe, which ``train --config`` reads, and where the run came from.
* ``sample_batch.png``: the first batch with its labels. Photographs of people: keep them private.
* ``curves.png``: learning curves, drawn when the run ends or is stopped.
* ``teacher-<hash>.safetensors``: predictions of each teacher for the training faces.
* ``tensorboard/``: event files, if they were requested.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.files import remove_partials, write_text
from utkage.core.locks import exclusive
from utkage.training.charts import plot_learning_curves, plot_sample_batch
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.recipe import Recipe
from utkage.training.recipes import CONFIG_NAME
from utkage.training.summary import EVENTS_FOLDER, OnEpoch, event_files, ignore_epoch

if TYPE_CHECKING:
    from torch import Tensor

CURVES_NAME = "curves.png"
SAMPLE_NAME = "sample_batch.png"
LOCK_NAME = ".lock"


@contextlib.contextmanager
def recorded(
    folder: Path,
    recipe: Recipe,
    provenance: Mapping[str, Any],
    first_batch: Callable[[], tuple[Tensor, Tensor, Tensor]],
) -> Iterator[OnEpoch]:
    """Hold and fill a run folder while the body trains; a resumed run keeps its first config.

    The folder is made if it does not exist; ``first_batch`` gives images (N, 3, S, S) in 0..255,
    ages and genders of the first step.

    Yields:
        A function to call after every epoch.

    Raises:
        UsageError: TensorBoard files are requested but the package is not installed, or another
            process trains in this folder.
    """
    epochs: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        write_events = (
            stack.enter_context(event_files(folder / EVENTS_FOLDER))
            if recipe.tensorboard
            else ignore_epoch
        )
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(exclusive(folder / LOCK_NAME, str(folder)))
        remove_partials(folder)
        if not CheckpointFolder(folder).paths():
            write_text(folder / CONFIG_NAME, recipe.to_toml(provenance))
            images, ages, genders = (part.cpu().numpy() for part in first_batch())
            plot_sample_batch(images, ages, genders, folder / SAMPLE_NAME)

        def on_epoch(rows: Sequence[dict[str, Any]]) -> None:
            epochs[:] = rows
            write_events(rows)

        try:
            yield on_epoch
        finally:
            if epochs:
                plot_learning_curves(epochs, folder / CURVES_NAME, recipe.training.select_by)


def new_run_folder(runs: Path) -> Path:
    """A folder below ``runs`` that does not exist yet, named by date and time."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder, number = runs / stamp, 2
    while folder.exists():
        folder, number = runs / f"{stamp}-{number}", number + 1
    return folder


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
