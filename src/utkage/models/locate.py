"""Finding the weights of a command: a given file, those of the newest run, or the shipped ones."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from utkage.core.errors import UsageError, WeightsError
from utkage.core.outputs import same_file
from utkage.models.weights_files import LoadedWeights

SHIPPED_NAME = "utkage-mobilenet_v1.safetensors"
RUNS_FOLDER = Path("runs")
BEST_NAME = "best.safetensors"
LAST_NAME = "last.safetensors"
SHIPPED = "shipped"
LATEST = "latest"
# Words that `weights` takes, which no run can have as its name.
RESERVED_NAMES = ("auto", SHIPPED, LATEST)


def shipped_weights() -> Path:
    """The weights file of the installed package; ``WeightsError`` if that has none."""
    path = _shipped_path()
    if not path.is_file():
        raise WeightsError(f"{path}: this installation has no shipped weights; install it again")
    return path


def is_shipped(path: Path) -> bool:
    """Whether ``path`` is the weights file of the installation, under any name."""
    return same_file(path, [_shipped_path()])


def newest_run_weights(runs: Path = RUNS_FOLDER) -> Path | None:
    """The most recently written ``best.safetensors`` of all runs, or None."""
    found = list(runs.glob(f"*/{BEST_NAME}")) if runs.is_dir() else []
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def run_path(choice: str | Path, runs: Path = RUNS_FOLDER) -> Path:
    """The path that a name of a run stands for: one rule for every command.

    A path that exists, or that has a folder in it (``./name``, ``out/name``), is itself. Any other
    name is that of a folder in ``runs``.
    """
    path = Path(choice)
    text = str(choice)
    is_bare = path.name == text and text not in ("", ".", "..")
    return path if path.exists() or not is_bare else runs / path


def resolve_weights(choice: str | Path | LoadedWeights) -> LoadedWeights:
    """Find the weights file for a choice; ``LoadedWeights`` are returned unchanged.

    Args:
        choice: ``"shipped"``; ``"latest"`` (the newest run below ``runs/``); ``"auto"`` (the
            newest run, else the shipped weights); a weights file; a run folder, or its name below
            ``runs/``.

    Raises:
        UsageError: there is no such file, the folder is not a finished run, or there is no run.
    """
    if isinstance(choice, LoadedWeights):
        return choice
    newest = newest_run_weights() if choice in ("auto", LATEST) else None
    if newest is not None:
        return LoadedWeights(newest, "newest run here; `weights=shipped` uses the built-in ones")
    if choice == LATEST:
        raise UsageError(
            f"`weights={LATEST}`: no run in {RUNS_FOLDER}/ has a {BEST_NAME}; train first, or use "
            "`weights=shipped`"
        )
    if choice in ("auto", SHIPPED):
        return LoadedWeights(shipped_weights(), "shipped with utkage")
    given = Path(choice)
    path = run_path(choice)
    if (path / BEST_NAME).is_file():
        return LoadedWeights(path / BEST_NAME, "best of this run")
    if path.is_dir():
        raise UsageError(f"{path}: no {BEST_NAME} in this folder; pass a finished run or a file")
    if not path.is_file():
        looked = "" if path == given else f", and no run {path}"
        raise UsageError(
            f"{given}: no such weights file{looked}; pass {SHIPPED}, {LATEST}, a file or a run"
        )
    return LoadedWeights(path, "as given")


def _shipped_path() -> Path:
    return Path(str(files("utkage") / "shipped" / SHIPPED_NAME))
