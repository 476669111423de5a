"""Cross-fitting: which networks are trained first, and on which faces each.

What a network says of a face that it was trained on repeats the label, errors included; what one
says that has not seen it is an honest second opinion. So the training faces are divided into
folds, and for each fold a network is trained on all the others, which answers for that fold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError
from utkage.data.chips import LabelledChips
from utkage.data.folds import fold_numbers
from utkage.engines.training.config import TrainConfig

# Seeds of the networks of two runs differ where the seeds of the runs do.
_SEEDS_APART = 1000
_SEEDS = 2**31


@dataclass(frozen=True)
class Fold:
    """A network that is trained first.

    Attributes:
        round: From 1.
        number: From 1, within the round.
        of: Folds in the round.
        config: Its recipe, without folds and teachers.
        learned: int64 (m,), places of the faces that it learns from.
    """

    round: int
    number: int
    of: int
    config: TrainConfig
    learned: NDArray[np.int64]

    @property
    def name(self) -> str:
        """Tells it from the others of a run."""
        return f"{self.round}-{self.number}"


def folds_of(config: TrainConfig, faces: LabelledChips) -> Iterator[Fold]:
    """The networks that a recipe wants trained first; none if it has no folds.

    Args:
        config: The recipe.
        faces: The training split.

    Raises:
        ConfigError: so few faces that a fold is empty.
    """
    if not config.folds:
        return
    for turn in range(config.fold_rounds):
        folds = fold_numbers(faces.group_names, config.folds, config.seed * _SEEDS_APART + turn)
        counts = np.bincount(folds, minlength=config.folds)
        if counts.min() == 0:
            raise ConfigError(
                f"folds is {config.folds}; {len(faces)} faces are too few to divide so, take fewer"
            )
        for fold in range(config.folds):
            number = turn * config.folds + fold
            yield Fold(
                turn + 1,
                fold + 1,
                config.folds,
                fold_config(config, number),
                np.flatnonzero(folds != fold),
            )


def fold_config(config: TrainConfig, number: int) -> TrainConfig:
    """The recipe of a network that is trained first.

    Args:
        config: The recipe of the run.
        number: Of the network, from 0; each has a seed of its own.
    """
    epochs = config.fold_epochs or config.epochs
    plain = TrainConfig()
    return replace(
        config,
        epochs=epochs,
        freeze_epochs=min(config.freeze_epochs, epochs),
        teachers=(),
        teacher_weight=plain.teacher_weight,
        folds=plain.folds,
        fold_rounds=plain.fold_rounds,
        fold_epochs=plain.fold_epochs,
        seed=((config.seed + 1) * _SEEDS_APART + number) % _SEEDS,
    )
