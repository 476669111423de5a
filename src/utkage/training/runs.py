"""``runs``: what was trained so far, and how two trainings differ. Imports no torch to list."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from utkage.core.errors import ConfigError, UsageError
from utkage.core.toml_file import read_toml
from utkage.models.locate import BEST_NAME, LAST_NAME, RUNS_FOLDER
from utkage.training.recipes import CONFIG_NAME
from utkage.training.summary import METRICS_NAME, flattened

FINISHED, STOPPED, INCOMPLETE, FOREIGN = "finished", "stopped", "incomplete", "no run"
# What makes a folder a run's.
OURS = (CONFIG_NAME, METRICS_NAME, BEST_NAME, LAST_NAME)

Value = TypeVar("Value")


@dataclass(frozen=True)
class Run:
    """A folder below ``runs/``; what is not known of it is None.

    Attributes:
        name: Its name.
        state: ``"finished"``; ``"stopped"`` (or still training) before its last epoch;
            ``"incomplete"`` where a file is missing or damaged; ``"no run"`` for a foreign folder.
        system: What was trained.
        backbone: Of the default system.
        epochs_done: Epochs that were validated.
        epochs: Epochs of the whole training.
        best_mae: Lowest validation MAE, years.
        best_epoch: Its epoch, from 1.
        gender_accuracy: On the validation split, in that epoch.
        started: When, ISO 8601 in UTC.
        note: What is wrong with it, else "".
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

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Two trainings side by side.

    Attributes:
        names: What they are called.
        settings: Settings that differ, by dotted key: the value of each; None where one has none.
        figures: Best numbers, by name: the value of each.
    """

    names: tuple[str, str]
    settings: dict[str, tuple[Any, Any]]
    figures: dict[str, tuple[Any, Any]]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"schema": 1, **asdict(self)}


def list_runs(folder: Path = RUNS_FOLDER) -> tuple[Run, ...]:
    """All folders in ``folder``, oldest first; those that are no run are named so.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; 'utkage train' makes runs/ in the first run")
    runs = [read_run(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return tuple(sorted(runs, key=lambda run: (run.started or "", run.name)))


def read_run(folder: Path) -> Run:
    """What a run folder says of itself; damage is noted, never raised."""
    if not any((folder / name).exists() for name in OURS):
        return Run(folder.name, FOREIGN, note="no files of a run")
    tables, config_note = _read_config(folder)
    rows, metrics_note = _read_rows(folder)
    training, provenance = tables.get("training", {}), tables.get("provenance", {})
    epochs = _of_type(int, training.get("epochs"))
    best = min(rows, key=lambda row: float(row["val_mae"]), default={})
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
        started=_of_type(str, provenance.get("started")) or _changed_at(folder),
        note=note,
    )


def _state(note: str, done: int, epochs: int | None) -> str:
    if note or epochs is None:
        return INCOMPLETE
    return FINISHED if done >= epochs else STOPPED


def compare_runs(first: str, second: str, folder: Path = RUNS_FOLDER) -> Comparison:
    """Set two trainings side by side: settings that differ, and best numbers.

    Args:
        first: A run folder, its name in ``folder``, a TOML file, or a shipped recipe.
        second: Likewise.
        folder: Where runs are looked for by name.

    Raises:
        UsageError: there is no such thing, or its settings cannot be read.
    """
    sides = [_Side.of(name, folder) for name in (first, second)]
    settings = _differences(*(side.settings for side in sides))
    if all(side.provenance for side in sides):
        settings |= _differences(*(side.provenance for side in sides))
    figures = {
        name: (sides[0].figures.get(name), sides[1].figures.get(name))
        for name in dict.fromkeys(name for side in sides for name in side.figures)
    }
    return Comparison((first, second), settings, figures)


@dataclass(frozen=True)
class _Side:
    """One of two trainings: flat settings, flat provenance, best numbers."""

    settings: dict[str, Any]
    provenance: dict[str, Any]
    figures: dict[str, Any]

    @classmethod
    def of(cls, name: str, folder: Path) -> _Side:
        path = next((p for p in (Path(name), folder / name) if p.is_dir()), None)
        if path is None:
            from utkage.training.recipes import resolve_recipe

            # Files and recipes leave out what is default; run folders leave out nothing.
            return cls(dict(flattened(resolve_recipe(name).to_tables())), {}, {})
        tables, note = _read_config(path)
        if note:
            raise UsageError(f"{path}: {note}; it cannot be compared")
        provenance = tables.pop("provenance", {})
        for of_each in ("command", "started"):
            provenance.pop(of_each, None)
        rows, _ = _read_rows(path)
        best = min(rows, key=lambda row: float(row["val_mae"]), default={})
        figures = {
            "epochs done": len(rows),
            **({"best epoch": best["epoch"]} if best else {}),
            **{k: v for k, v in best.items() if k.startswith("val_") and _is_number(v)},
        }
        prefixed = dict(flattened(provenance, "provenance."))
        return cls(dict(flattened(tables)), prefixed, figures)


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = dict.fromkeys((*one, *other))
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _read_config(folder: Path) -> tuple[dict[str, Any], str]:
    """The tables of ``config.toml``, and what is wrong with it."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return {}, f"no {CONFIG_NAME}"
    try:
        tables = read_toml(path)
    except ConfigError:
        return {}, f"{CONFIG_NAME} is damaged"
    if not all(isinstance(tables.get(name, {}), dict) for name in ("training", "provenance")):
        return {}, f"{CONFIG_NAME} is of another program"
    return tables, "" if "training" in tables else f"{CONFIG_NAME} has no [training]"


def _read_rows(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """The rows of ``metrics.jsonl`` that can be used, and what is wrong with the others."""
    path = folder / METRICS_NAME
    if not path.exists():
        return [], ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return [], f"{METRICS_NAME} cannot be read"
    rows = [row for line in lines if (row := _parsed(line)) is not None]
    bad = len(lines) - len(rows)
    return rows, f"{METRICS_NAME} has damaged lines: {bad}" if bad else ""


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or type(row.get("epoch")) is not int:
        return None
    return row if _is_number(row.get("val_mae")) else None


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _of_type(kind: type[Value], value: object) -> Value | None:
    # bool is an int in Python.
    return value if type(value) is kind else None


def _changed_at(folder: Path) -> str:
    changed = datetime.datetime.fromtimestamp(folder.stat().st_mtime, datetime.timezone.utc)
    return changed.isoformat(timespec="seconds")
