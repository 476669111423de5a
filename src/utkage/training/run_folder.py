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
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError, UsageError
from utkage.core.files import write_text
from utkage.core.single_writer import holding_folder
from utkage.core.toml_file import read_toml
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.training.charts import plot_learning_curves, plot_sample_batch
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.config import FREE_FIELDS
from utkage.training.recipe import PROVENANCE, TRAINING, Recipe
from utkage.training.recipes import CONFIG_NAME
from utkage.training.summary import (
    EVENTS_FOLDER,
    METRICS_NAME,
    SUMMARY_NAME,
    OnEpoch,
    event_files,
    ignore_epoch,
    read_epochs,
    read_initial_row,
)

if TYPE_CHECKING:
    from torch import Tensor

CURVES_NAME = "curves.png"
SAMPLE_NAME = "sample_batch.png"
# Files that training replaces, beside checkpoints and the predictions of teachers.
RUN_FILES = (
    CONFIG_NAME,
    SAMPLE_NAME,
    METRICS_NAME,
    SUMMARY_NAME,
    LAST_NAME,
    BEST_NAME,
    CURVES_NAME,
)
_NUMBERED = re.compile(r"checkpoint-\d{8,}\.pt|teacher-[0-9a-f]+\.safetensors")


@contextlib.contextmanager
def recorded(
    folder: Path,
    recipe: Recipe,
    provenance: Mapping[str, Any],
    first_batch: Callable[[], tuple[Tensor, Tensor, Tensor]],
) -> Iterator[OnEpoch]:
    """Hold and fill a run folder while the body trains.

    A resumed run keeps its first config, apart from a larger number of epochs.

    The folder is made if it does not exist; ``first_batch`` gives images (N, 3, S, S) in 0..255,
    ages and genders of the first step.

    Yields:
        A function to call after every epoch.

    Raises:
        UsageError: TensorBoard files are requested but the package is not installed, another
            process trains in this folder, or its files must stay (``check_run_folder``).
    """
    epochs: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        write_events = (
            stack.enter_context(event_files(folder / EVENTS_FOLDER))
            if recipe.tensorboard
            else ignore_epoch
        )
        stack.enter_context(holding_folder(folder, _is_run_file))
        check_run_folder(folder, recipe, provenance)
        if not CheckpointFolder(folder).paths():
            if not _has_content(folder / CONFIG_NAME):
                write_text(folder / CONFIG_NAME, recipe.to_toml(provenance))
            images, ages, genders = (part.cpu().numpy() for part in first_batch())
            plot_sample_batch(images, ages, genders, folder / SAMPLE_NAME)

        def on_epoch(rows: Sequence[dict[str, Any]]) -> None:
            if not epochs:
                _lengthen(folder / CONFIG_NAME, recipe.training.epochs)
            epochs[:] = rows
            write_events(rows)

        try:
            yield on_epoch
        finally:
            # A run that was killed after its last epoch, before this, has none to train any more.
            drawn = epochs or _former_epochs(folder)
            if drawn:
                plot_learning_curves(drawn, folder / CURVES_NAME, recipe.training.select_by)


def check_run_folder(folder: Path, recipe: Recipe, provenance: Mapping[str, Any]) -> None:
    """Refuse a folder whose files a new training would replace.

    A run that was killed before its first checkpoint may start again in its folder.

    Raises:
        UsageError: names the file.
    """
    if CheckpointFolder(folder).paths():
        return
    there = [folder / name for name in RUN_FILES if _has_content(folder / name)]
    if not there:
        return
    advice = "name another `run`, or move the files of this one away"
    if there[0].name != CONFIG_NAME:
        raise UsageError(f"{there[0]}: exists, but {folder} has no checkpoint to resume; {advice}")
    if not _same_training(there[0], recipe, provenance):
        raise UsageError(
            f"{there[0]}: is not from this training, and {folder} has no checkpoint to resume; "
            f"{advice}"
        )
    metrics = folder / METRICS_NAME
    epochs = metrics.read_bytes().count(b"\n") if metrics.is_file() else 0
    # The first line may be that of epoch 0.
    if epochs - (read_initial_row(folder) is not None) > 1:
        raise UsageError(
            f"{metrics}: has the metrics of several epochs, but {folder} has no checkpoint to "
            f"resume; {advice}"
        )


def _former_epochs(folder: Path) -> list[dict[str, Any]]:
    """The rows of the epochs in ``metrics.jsonl``; none if it is missing or damaged."""
    try:
        return read_epochs(folder)
    except (OSError, ValueError, LookupError, TypeError):
        return []


def written_files(folder: Path) -> list[Path]:
    """The files that training replaces in a run folder, and its checkpoints."""
    return [*(folder / name for name in RUN_FILES), *CheckpointFolder(folder).paths()]


def _is_run_file(name: str) -> bool:
    return name in RUN_FILES or _NUMBERED.fullmatch(name) is not None


def _has_content(path: Path) -> bool:
    return path.exists() and (path.is_dir() or path.stat().st_size > 0)


def _same_training(config: Path, recipe: Recipe, provenance: Mapping[str, Any]) -> bool:
    """Whether a config.toml was written for a training by this recipe on these data."""
    try:
        tables = read_toml(config)
        former = Recipe.from_tables(tables, str(config))
    except ConfigError:
        return False
    return PROVENANCE in tables and _identity(former, tables[PROVENANCE]) == _identity(
        recipe, provenance
    )


def _identity(recipe: Recipe, provenance: Mapping[str, Any]) -> tuple[Any, ...]:
    tables = recipe.to_tables()
    training = {k: v for k, v in tables[TRAINING].items() if k not in FREE_FIELDS}
    data = provenance.get("data") or {}
    # A recipe without initial weights has no hash of them in TOML, which has no None.
    return {**tables, TRAINING: training}, provenance.get("init_hash"), data.get("split_hash")


@contextlib.contextmanager
def reserved_run_folder(runs: Path) -> Iterator[Path]:
    """Make a new folder below ``runs``, which is removed at the end if it is empty then.

    Two trainings that start in the same second get two folders.
    """
    made_runs = not runs.exists()
    runs.mkdir(parents=True, exist_ok=True)
    while True:
        folder = new_run_folder(runs)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            break
    try:
        yield folder
    finally:
        for path in (folder, runs) if made_runs else (folder,):
            with contextlib.suppress(OSError):
                path.rmdir()


def _lengthen(path: Path, epochs: int) -> None:
    """Note in the first config of a run that it gets more epochs."""
    # Runs of former versions may have none; a damaged one stays for people to see.
    with contextlib.suppress(ConfigError):
        tables = read_toml(path) if path.is_file() else {}
        training = tables.get("training", {})
        if isinstance(training.get("epochs"), int) and training["epochs"] < epochs:
            provenance = tables.pop("provenance", {})
            training["epochs"] = epochs
            write_text(path, Recipe.from_tables(tables, str(path)).to_toml(provenance))


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
