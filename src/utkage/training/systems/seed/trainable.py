"""The seed system for the training loop: ranges to feed, validation, plateaus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utkage.core.errors import ConfigError
from utkage.core.files import file_hash
from utkage.core.reporter import Reporter
from utkage.data.augment import NO_AUGMENTATION, AugmentConfig
from utkage.data.store import ChipStore
from utkage.models.card import Card
from utkage.models.seed.initial import initial_seed_system
from utkage.models.seed.system import SeedSystem
from utkage.training.batches import Targets, TrainingBatch
from utkage.training.randomness import mixed_seed
from utkage.training.setup import Setup
from utkage.training.systems.base import (
    BatchWork,
    EpochRows,
    Start,
    StepResult,
    TrainableSystem,
    Validation,
)
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.joint import Batch, JointTrainer, losses_of, score_seed

VALIDATION_BATCH = 128


class TrainableSeed(TrainableSystem):
    """The three models, trained in place, with their optimisers.

    Raises:
        ConfigError: the augmentation blends faces.
    """

    memory_settings = "`batch_size`, `size` or `gender_width`"
    _trainer: JointTrainer

    def __init__(self, system: SeedSystem, setup: Setup[SeedConfig]) -> None:
        mixup, faces = setup.augmentation.mixup, setup.train
        if mixup:
            reason = "the losses of the seed system take one label per face"
            raise ConfigError(f"mixup is {mixup}; it must be 0: {reason}")
        targets = Targets(torch.from_numpy(faces.ages), torch.from_numpy(faces.genders))
        super().__init__(system, setup, targets)
        self._config = setup.config
        self._trainer = JointTrainer(system, setup.config)

    def step(self, batch: TrainingBatch, step: int, rows: EpochRows) -> Tensor:
        """One step of each model on the same batch."""
        generator = torch.Generator().manual_seed(mixed_seed(self._config.seed, step, 1))
        faces = (batch.images, batch.targets.ages, batch.targets.genders)
        true_share = self._config.true_range_probability(len(rows))
        return self._trainer.step(faces, true_share, generator)

    def step_result(self, numbers: Sequence[float], step: int, rows: EpochRows) -> StepResult:
        """The sum of the three losses, and each as text."""
        losses = losses_of(numbers)
        note = (
            f"gender {losses.gender:.3f}, range {losses.age_range:.3f}, "
            f"age {losses.age_estimation:.2f}"
        )
        return StepResult(losses.gender + losses.age_range + losses.age_estimation, note)

    def epoch_columns(self, step: int, rows: EpochRows, losses: Sequence[float]) -> dict[str, Any]:
        """The learning rate of each model."""
        return {"rates": self._trainer.rates()}

    def validate(self, reporter: Reporter) -> Validation:
        """Losses and metrics end to end, and the MAE with true ranges."""
        score = score_seed(self._averaged(), self._validation_batches())
        columns = {
            "val_gender_loss": round(score.losses.gender, 4),
            "val_range_loss": round(score.losses.age_range, 4),
            "val_gender_accuracy": round(score.gender_accuracy, 4),
            "val_range_accuracy": round(score.range_accuracy, 4),
            "val_mae": round(score.mae, 4),
            "val_oracle_mae": round(score.oracle_mae, 4),
        }
        text = (
            f"MAE {score.mae:.2f} years end to end ({score.oracle_mae:.2f} with true ranges), "
            f"ranges {score.range_accuracy:.3f}, gender {score.gender_accuracy:.3f}"
        )
        return Validation(columns, text, score.mae, vars(score.losses))

    def end_epoch(self, validation: Validation) -> None:
        """Reduce the rates of models on a plateau, and store the error as the age scale."""
        self._trainer.end_epoch(validation.losses)
        for system in (self._trainer.system, self._averaged()):
            system.age_scale.fill_(validation.mae)

    def card_metrics(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The whole row."""
        return dict(row)

    def validation_work(self) -> BatchWork:
        """The losses of the validation chips."""
        system, batches = self._averaged(), self._validation_batches()
        count = len(self.setup.val)
        return BatchWork(lambda b: score_seed(system, [b]), batches, VALIDATION_BATCH, count)

    def _averaged(self) -> SeedSystem:
        system = self.average.network
        assert isinstance(system, SeedSystem)
        return system

    def _validation_batches(self) -> Iterator[Batch]:
        """The validation chips without augmentation, in order."""
        faces, device = self.setup.val, self.setup.device
        contract = self.setup.card.contract.at_size(self._config.size)
        batches = faces.batches(VALIDATION_BATCH, contract)
        for number, chips in enumerate(batches):
            part = slice(number * VALIDATION_BATCH, number * VALIDATION_BATCH + len(chips))
            images = torch.from_numpy(np.ascontiguousarray(chips)).to(device)
            yield (
                images.permute(0, 3, 1, 2).float(),
                torch.from_numpy(faces.ages[part]).to(device),
                torch.from_numpy(faces.genders[part]).to(device),
            )


def start_seed(config: SeedConfig, augmentation: AugmentConfig, store: ChipStore) -> Start:
    """Initial models; the settings may turn the augmentation off.

    Raises:
        ConfigError: initial weights of another size or width.
        UsageError: no such initial weights.
        WeightsError: weights of another system, or damaged ones.
    """
    start = initial_seed_system(
        config.size, config.gender_width, config.seed, config.init, config.vgg_face_weights
    )
    return Start(
        card=Card(
            system="seed",
            backbone="vgg_face",
            contract=store.contract.without_margin().at_size(config.size).unscaled(),
            lineage=start.lineage,
        ),
        identity={"system": "seed"} | {k: file_hash(path) for k, path in start.files.items()},
        augmentation=augmentation if config.augment else NO_AUGMENTATION,
        build=lambda setup: TrainableSeed(start.system, setup),
        fingerprints={"initial weights": start.fingerprints},
    )
