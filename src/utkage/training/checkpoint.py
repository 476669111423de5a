"""Checkpoints: atomic to write, safe to load, and enough to resume exactly."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from utkage.core.errors import TrainingError, WeightsError
from utkage.core.fields import Fields
from utkage.core.files import replacing
from utkage.core.json_text import json_text, parse_json
from utkage.core.outputs import contains
from utkage.core.reporter import Reporter
from utkage.models.torch_file import load_torch_file, plain_tensors
from utkage.training.config_groups import RunConfig

_NAME = re.compile(r"checkpoint-(\d{8,})\.pt")
# Fields of a checkpoint that its file holds as JSON.
_AS_JSON = ("identity", "rows")
# Steps beyond which a training would take millennia.
_MOST_STEPS = 10**12
# Longest value in a message, characters.
_SHOWN = 80

# What checkpoints from before a setting existed were trained with.
FORMER_VALUES: Mapping[str, Any] = {
    "margin": None,
    "chip_margin": 0.0,
    "logit_adjustment": 0.0,
    "select_by": "mae",
    "augmentation.shear": 0.0,
    "augmentation.gamma": 0.0,
    "augmentation.cast": 0.0,
    "augmentation.cast_strength": 0.12,
    "augmentation.side_light": 0.0,
    "augmentation.soften_least": 0.35,
    "augmentation.noise": 0.0,
    "augmentation.noise_strength": 10.0,
    "augmentation.blank": 0.0,
}


@dataclass(frozen=True)
class Checkpoint:
    """State of a training.

    Attributes:
        identity: Settings and hashes of the data; a run is only resumed under the same identity.
        step: Number of optimiser steps done; order and augmentation follow from it and the seed.
        average: Moving average of the weights.
        losses: Losses of the steps of the unfinished epoch.
    """

    identity: dict[str, Any]
    step: int
    network: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    rows: list[dict[str, Any]]
    losses: list[float]

    def save(self, path: Path) -> None:
        """Write atomically: a kill or a full disk leaves the former checkpoint."""
        value = {**vars(self), **{name: json_text(getattr(self, name)) for name in _AS_JSON}}
        with replacing(path) as partial, partial.open("wb") as file:
            try:
                torch.save(value, file)
            except RuntimeError as error:
                # The archive hides the error of the file, such as a full disk.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint of tensors and plain values; anything else is refused.

        Raises:
            TrainingError: not a utkage checkpoint, or damaged.
        """
        try:
            found = Fields.of(load_torch_file(path), "it")
            plain = {name: parse_json(found.text(name), keep_non_finite=True) for name in _AS_JSON}
            rows = [Fields.of(row, "a row") for row in Fields(plain).items("rows")]
            for number, row in enumerate(rows, 1):
                row.whole("epoch", number, number)
                sources = row.fields("val_sources") if "val_sources" in row else Fields({})
                for name in sources.values:
                    sources.table(name)
            return cls(
                identity=Fields(plain).table("identity"),
                step=found.whole("step", most=_MOST_STEPS),
                network=plain_tensors(found.table("network"), "network"),
                average=plain_tensors(found.table("average"), "average"),
                optimizer=found.table("optimizer"),
                rows=[dict(row.values) for row in rows],
                losses=list(found.numbers("losses")),
            )
        except (WeightsError, ValueError) as error:
            raise TrainingError(
                f"{path}: not a utkage checkpoint, or damaged ({error}); choose another run folder"
            ) from error

    def require_identity(self, identity: dict[str, Any], path: Path) -> int | None:
        """Refuse to resume with other settings or data; a finished run may get more epochs.

        Returns:
            The former number of epochs, if the run is finished and ``identity`` has more; else
            None.

        Raises:
            TrainingError: they differ; the message names every difference.
        """
        recorded = {**FORMER_VALUES, **self.identity}
        differing = [
            key
            for key in sorted({*self.identity, *identity})
            if recorded.get(key) != identity.get(key)
        ]
        if not differing:
            return None
        former, epochs = recorded.get("epochs"), identity.get("epochs")
        if differing == ["epochs"] and type(former) is type(epochs) is int:
            if former <= len(self.rows) and former < epochs:
                return int(former)
            advice = (
                f"finish its {former} epochs first; then more can follow"
                if len(self.rows) < former < epochs
                else f"it has {len(self.rows)} epochs already"
            )
        else:
            advice = "use the same, or another `run`"
        differences = "; ".join(
            f"{key[:_SHOWN]}: {_shown(recorded.get(key))} there, {_shown(identity.get(key))} now"
            for key in differing
        )
        raise TrainingError(
            f"{path}: this run was started with other settings ({differences}); {advice}. To train "
            f"its weights in another way, pass `init={path}` with another `run`"
        )


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints in a run folder, named by their step.

    Attributes:
        keep: Number of checkpoints to keep; an old one is removed when the new one is complete.
    """

    folder: Path
    keep: int = 1

    def paths(self) -> list[Path]:
        """The checkpoint files, oldest first."""
        found = {path: _NAME.fullmatch(path.name) for path in self.folder.glob("checkpoint-*.pt")}
        steps = {path: int(match[1]) for path, match in found.items() if match}
        return sorted(steps, key=steps.__getitem__)

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove the oldest above ``keep``."""
        checkpoint.save(self.folder / f"checkpoint-{checkpoint.step:08d}.pt")
        for old in self.paths()[: -self.keep]:
            # A file of another program may have such a name.
            if contains(old, _AS_JSON[0]):
                old.unlink(missing_ok=True)

    def newest(self, reporter: Reporter) -> Checkpoint | None:
        """The newest checkpoint that can be read; None if there is no checkpoint.

        Raises:
            TrainingError: none of the checkpoints can be read.
        """
        paths = self.paths()
        for path in reversed(paths):
            try:
                return Checkpoint.load(path)
            except TrainingError as error:
                if path == paths[0]:
                    raise
                reporter.warn(f"{error}; trying the one before it")
        return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def is_due(step: int, saved_at: float, config: RunConfig) -> bool:
    """Whether to write a checkpoint; ``saved_at`` is the ``time.monotonic()`` of the last one."""
    if config.checkpoint_steps and step % config.checkpoint_steps == 0:
        return True
    return time.monotonic() - saved_at > 60 * config.checkpoint_minutes
