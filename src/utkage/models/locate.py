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


def resolve_weights(choice: str | Path | LoadedWeights) -> LoadedWeights:
    """Find the weights file for a choice; ``LoadedWeights`` are returned unchanged.

    Args:
        choice: ``"auto"`` (the newest run below ``runs/``, else the shipped weights),
            ``"shipped"``, a weights file, or a run folder.

    Raises:
        UsageError: there is no such file, or the folder is not a finished run.
    """
    if isinstance(choice, LoadedWeights):
        return choice
    newest = newest_run_weights() if choice == "auto" else None
    if newest is not None:
        return LoadedWeights(newest, "newest run here; `weights=shipped` uses the built-in ones")
    if choice in ("auto", "shipped"):
        return LoadedWeights(shipped_weights(), "shipped with utkage")
    path = Path(choice)
    if (path / BEST_NAME).is_file():
        return LoadedWeights(path / BEST_NAME, "best of this run")
    if path.is_dir():
        raise UsageError(f"{path}: no {BEST_NAME} in this folder; pass a finished run or a file")
    if not path.is_file():
        raise UsageError(
            f"{path}: no such weights file; pass auto, shipped, a file or a run folder"
        )
    return LoadedWeights(path, "as given")


def _shipped_path() -> Path:
    return Path(str(files("utkage") / "shipped" / SHIPPED_NAME))
