"""Everything that a training uses, apart from the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from utkage.data.augment import AugmentConfig
from utkage.data.batches import steps_per_epoch
from utkage.data.chips import LabelledChips
from utkage.models.card import Card
from utkage.training.config_groups import RunConfig
from utkage.training.distributed import Group

Config = TypeVar("Config", bound=RunConfig, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Setup(Generic[Config]):
    """Settings, data, device and run folder of a training.

    Attributes:
        card: Card of the weights, without their metrics.
        identity: Values that must equal those of a checkpoint to resume from it.
        val: Validation chips, which choose the best epoch.
        fingerprints: Sorted fingerprints of all training images of the weights, those of the
            initial weights and teachers included.
        folder: Run folder, the same for all processes.
        group: Processes that train together.
    """

    config: Config
    augmentation: AugmentConfig
    card: Card
    identity: dict[str, Any]
    train: LabelledChips
    val: LabelledChips
    fingerprints: NDArray[np.int32]
    device: torch.device
    folder: Path
    group: Group = field(default_factory=Group)

    @property
    def steps_per_epoch(self) -> int:
        """Number of optimiser steps in an epoch."""
        return steps_per_epoch(len(self.train), self.config.batch_size)
