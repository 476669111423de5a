"""The state of a training, on disk: atomic to write, safe to load, enough to go on exactly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from utkage.core.errors import TrainingError
from utkage.core.files import replacing


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        identity: What is trained on what: configuration and data hashes. A run is only
            continued under the same identity.
        step: Optimiser steps done; order and augmentation follow from it and the seed.
        network: The trained weights.
        average: The averaged weights.
        optimizer: The optimiser's state.
        rows: Metrics of the epochs so far.
        losses: Of the steps of the epoch that has begun.
    """

    identity: dict[str, Any]
    step: int
    network: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    rows: list[dict[str, Any]]
    losses: list[float]

    def save(self, path: Path) -> None:
        """Write it atomically: a kill, or a full disk, leaves the former checkpoint.

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
                # The archive's writer hides what the file said, such as that the disk is full.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint; only tensors and plain values are accepted.

        Raises:
            TrainingError: not a checkpoint of ours, or damaged.
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
                f"{path}: not a checkpoint of utkage, or damaged; choose another run folder"
            ) from error

    def require_identity(self, identity: dict[str, Any], path: Path) -> None:
        """Refuse to go on with another configuration or other data.

        Raises:
            TrainingError: naming every difference.
        """
        differences = [
            f"{key}: {self.identity.get(key)!r} there, {identity.get(key)!r} now"
            for key in sorted({*self.identity, *identity})
            if self.identity.get(key) != identity.get(key)
        ]
        if differences:
            raise TrainingError(
                f"{path}: this run was started with other settings ({'; '.join(differences)}); "
                "use the same, or another `run`"
            )
