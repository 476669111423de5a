"""``runs``: list runs with their best metrics, and compare two. Listing imports no torch."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from utkage.core.errors import ConfigError, UsageError
from utkage.core.json_text import parse_json
from utkage.core.toml_file import read_toml
from utkage.models.locate import BEST_NAME, LAST_NAME, RUNS_FOLDER, run_path
from utkage.training.recipes import CONFIG_NAME
from utkage.training.summary import (
    METRICS_NAME,
    SELECTIONS,
    best_epoch,
    flattened,
    validation_error,
)

FINISHED, STOPPED, INCOMPLETE, FOREIGN = "finished", "stopped", "incomplete", "no run"
# Files that make a folder a run folder.
RUN_FILES = (CONFIG_NAME, METRICS_NAME, BEST_NAME, LAST_NAME)

Value = TypeVar("Value")


@dataclass(frozen=True)
class Run:
    """A folder below ``runs/``; unknown values are None.

    Attributes:
        state: ``"finished"``; ``"stopped"`` (or still training) before its last epoch;
            ``"incomplete"`` if a file is missing or damaged; ``"no run"`` for any other folder.
        epochs_done: Number of validated epochs.
        epochs: Number of epochs of the whole training.
        best_mae: Validation MAE of the best epoch, years.
        best_epoch: Number of that epoch, from 1.
        gender_accuracy: Accuracy on the validation split in that epoch.
        started: Start of the training, ISO 8601 in UTC.
        data: Name of the sources of the prepared set, and the beginning of its split hash.
        note: Problem of the folder, or "".
    """

    name: str
    state: str
    system: str | None = None
    backbone: str | None = None
    epochs_done: int = 0
    epochs: int | None = None
    best_mae: float | None = None
    best_epoch: int | None = None
    gender_accuracy: float | None = None
    started: str | None = None
    note: str = ""
    data: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """The names, the settings that differ, by dotted key, and the best metrics of two trainings.

    A value is None where one of them has none.
    """

    names: tuple[str, str]
    settings: dict[str, tuple[Any, Any]]
    figures: dict[str, tuple[Any, Any]]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"schema": 1, **asdict(self)}


def list_runs(folder: Path = RUNS_FOLDER) -> tuple[Run, ...]:
    """All folders in ``folder``, oldest first, marked if they are not runs.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; the first 'utkage train' makes runs/")
    runs = [read_run(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return tuple(sorted(runs, key=lambda run: (run.started or "", run.name)))


def read_run(folder: Path) -> Run:
    """Read a run folder; damage is noted, never raised."""
    if not any((folder / name).exists() for name in RUN_FILES):
        return Run(folder.name, FOREIGN, note="no files of a run")
    tables, config_note = _read_config(folder)
    rows, metrics_note = _read_rows(folder)
    training, provenance = tables.get("training", {}), tables.get("provenance", {})
    epochs = _of_type(int, training.get("epochs"))
    best = _best(training, rows)
    note = "; ".join(filter(None, (config_note, metrics_note)))
    return Run(
        name=folder.name,
        state=_state(note, len(rows), epochs),
        system=_of_type(str, tables.get("system")),
        backbone=_of_type(str, training.get("backbone")),
        epochs_done=len(rows),
        epochs=epochs,
        best_mae=best.get("val_mae"),
        best_epoch=best.get("epoch"),
        gender_accuracy=best.get("val_gender_accuracy"),
        started=_of_type(str, provenance.get("started")) or _modified_at(folder),
        note=note,
        data=_data_name(provenance.get("data")),
    )


def sorted_runs(runs: Sequence[Run], key: str) -> tuple[Run, ...]:
    """Runs in the order of one of ``SORT_KEYS``; those without the value come last.

    Raises:
        ConfigError: another key.
    """
    if key not in SORT_KEYS:
        raise ConfigError(f"`sort` {key}: choose one of {', '.join(SORT_KEYS)}")
    value = SORT_KEYS[key]
    known = [run for run in runs if value(run) is not None]
    return (*sorted(known, key=value), *(run for run in runs if value(run) is None))


# By name: the value that runs are sorted by, the smallest first.
SORT_KEYS: Mapping[str, Callable[[Run], Any]] = {
    "started": lambda run: run.started,
    "name": lambda run: run.name,
    "mae": lambda run: run.best_mae,
    "gender": lambda run: None if run.gender_accuracy is None else -run.gender_accuracy,
    "epochs": lambda run: -run.epochs_done,
    "data": lambda run: run.data,
}


def _data_name(data: object) -> str | None:
    """Source and first digits of the split hash of a prepared set; None if they are unknown."""
    if not isinstance(data, dict):
        return None
    parts = [data.get("source"), str(data.get("split_hash") or "")[:6]]
    return " ".join(part for part in parts if isinstance(part, str) and part) or None


def _best(training: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row of the best epoch by the settings of the run; empty without rows."""
    # Runs of former versions have no such setting.
    select_by = _of_type(str, training.get("select_by")) or "mae"
    return best_epoch(rows, select_by if select_by in SELECTIONS else "mae") if rows else {}


def _state(note: str, done: int, epochs: int | None) -> str:
    if note or epochs is None:
        return INCOMPLETE
    return FINISHED if done >= epochs else STOPPED


def compare_runs(first: str, second: str, folder: Path = RUNS_FOLDER) -> Comparison:
    """Compare two trainings: settings that differ, and best metrics.

    Each is a run folder, its name in ``folder``, a TOML file, or a shipped recipe.

    Raises:
        UsageError: no such run, file or recipe, or its settings cannot be read.
    """
    compared = [_Compared.of(name, folder) for name in (first, second)]
    settings = _differences(*(each.settings for each in compared))
    if all(each.provenance for each in compared):
        settings |= _differences(*(each.provenance for each in compared))
    one, other = (each.metrics for each in compared)
    figures = {name: (one.get(name), other.get(name)) for name in {**one, **other}}
    return Comparison((first, second), settings, figures)


@dataclass(frozen=True)
class _Compared:
    """One of two trainings: flat settings, flat provenance, best metrics."""

    settings: dict[str, Any]
    provenance: dict[str, Any]
    metrics: dict[str, Any]

    @classmethod
    def of(cls, name: str, folder: Path) -> _Compared:
        path = run_path(name, folder)
        if not path.is_dir():
            from utkage.training.recipes import resolve_recipe

            # Files and recipes leave defaults out; run folders contain every setting.
            return cls(dict(flattened(resolve_recipe(name).to_tables())), {}, {})
        tables, note = _read_config(path)
        if note:
            raise UsageError(f"{path}: {note}; it cannot be compared")
        provenance = tables.pop("provenance", {})
        for always_different in ("command", "started"):
            provenance.pop(always_different, None)
        rows, _ = _read_rows(path)
        best = _best(tables["training"], rows)
        metrics = {
            "epochs done": len(rows),
            **({"best epoch": best["epoch"]} if best else {}),
            **{k: v for k, v in best.items() if k.startswith("val_") and _is_number(v)},
        }
        prefixed = dict(flattened(provenance, "provenance."))
        return cls(dict(flattened(tables)), prefixed, metrics)


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = dict.fromkeys((*one, *other))
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _read_config(folder: Path) -> tuple[dict[str, Any], str]:
    """Tables of ``config.toml``, and what is wrong with it."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return {}, f"no {CONFIG_NAME}"
    try:
        tables = read_toml(path)
    except ConfigError:
        return {}, f"{CONFIG_NAME} is damaged"
    if not all(isinstance(tables.get(name, {}), dict) for name in ("training", "provenance")):
        return {}, f"{CONFIG_NAME} was not written by utkage"
    return tables, "" if "training" in tables else f"{CONFIG_NAME} has no [training]"


def _read_rows(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Valid rows of ``metrics.jsonl``, and what is wrong with the others."""
    path = folder / METRICS_NAME
    if not path.exists():
        return [], ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return [], f"{METRICS_NAME} cannot be read"
    rows = [row for line in lines if (row := _parsed(line)) is not None]
    bad = len(lines) - len(rows)
    # Epoch 0 is the validation before training.
    rows = [row for row in rows if row["epoch"] > 0]
    return rows, f"{METRICS_NAME} has damaged lines: {bad}" if bad else ""


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        row = parse_json(line, keep_non_finite=True)
    except ValueError:
        return None
    if not isinstance(row, dict) or type(row.get("epoch")) is not int:
        return None
    sources = row.get("val_sources", {})
    if not isinstance(sources, dict) or not all(isinstance(s, dict) for s in sources.values()):
        return None
    errors = [validation_error(row), *(validation_error(each, "") for each in sources.values())]
    return None if None in errors else row


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _of_type(kind: type[Value], value: object) -> Value | None:
    # bool is an int in Python.
    return value if type(value) is kind else None


def _modified_at(folder: Path) -> str:
    modified = datetime.datetime.fromtimestamp(folder.stat().st_mtime, datetime.timezone.utc)
    return modified.isoformat(timespec="seconds")
