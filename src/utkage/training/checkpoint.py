"""Checkpoints: atomic to write, safe to load, and enough to resume exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from utkage.core.errors import TrainingError
from utkage.core.files import replacing

# What checkpoints from before a setting existed were trained with.
FORMER_VALUES: Mapping[str, Any] = {
    "margin": 0.0,
    "logit_adjustment": 0.0,
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
        network: Weights that are trained.
        average: Moving average of the weights.
        optimizer: State of the optimisers.
        rows: Metrics of the epochs so far.
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
        """Write atomically: a kill or a full disk leaves the former checkpoint.

        Raises:
            OSError: it cannot be written.
        """
        value = {
            "identity": json.dumps(self.identity),
            "step": self.step,
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "rows": json.dumps(self.rows),
            "losses": self.losses,
        }
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
            value = torch.load(path, map_location="cpu", weights_only=True)
            return cls(
                identity=json.loads(value["identity"]),
                step=value["step"],
                network=value["network"],
                average=value["average"],
                optimizer=value["optimizer"],
                rows=json.loads(value["rows"]),
                losses=value["losses"],
            )
        except Exception as error:
            raise TrainingError(
                f"{path}: not a utkage checkpoint, or damaged; choose another run folder"
            ) from error

    def require_identity(self, identity: dict[str, Any], path: Path) -> None:
        """Refuse to resume with other settings or data.

        Raises:
            TrainingError: they differ; the message names every difference.
        """
        recorded = {**FORMER_VALUES, **self.identity}
        differences = [
            f"{key}: {recorded.get(key)!r} there, {identity.get(key)!r} now"
            for key in sorted({*self.identity, *identity})
            if recorded.get(key) != identity.get(key)
        ]
        if differences:
            raise TrainingError(
                f"{path}: this run was started with other settings ({'; '.join(differences)}); "
                "use the same, or another `run`"
            )
