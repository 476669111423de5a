"""The multi-task network for the training loop: targets, learning rate, teachers, validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utkage.core.errors import TrainingError, WeightsError
from utkage.core.reporter import Reporter
from utkage.data.augment import AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.data.store import ChipStore
from utkage.evaluation.inputs.labelled_predictions import with_labels
from utkage.evaluation.metrics.scores import score_predictions, score_sources
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.initial import initial_margin, initial_network, resolve_initial
from utkage.models.multitask import MultiTaskNet
from utkage.models.normalisation import with_normalisation
from utkage.prediction.chip_predictor import BATCH, TorchPredictor, predict_faces
from utkage.prediction.loading import load_predictor
from utkage.training.batches import Targets, TrainingBatch, TrainingBatches
from utkage.training.config import TrainConfig
from utkage.training.logit_adjustment import source_offsets
from utkage.training.losses import AGE_LOSSES
from utkage.training.objective import objective_of
from utkage.training.schedule import SCHEDULES, ScheduleState, plateau_cuts
from utkage.training.setup import Setup
from utkage.training.summary import error_text, validation_errors
from utkage.training.synchronised_batch_norm import synchronise_batch_norms
from utkage.training.systems.base import (
    BatchWork,
    EpochRows,
    Start,
    StepResult,
    TrainableSystem,
    Validation,
)
from utkage.training.systems.multitask.trainer import MultitaskTrainer
from utkage.training.teachers import Teacher, mean_soft_targets, open_teachers
from utkage.training.weighting import weights_by_age, weights_by_face


class TrainableMultitask(TrainableSystem):
    """The multi-task network, trained in place, with its optimiser and teachers."""

    memory_settings = (
        "`batch_size` or the last of `sizes`, or split each batch with `accumulate=2` (4, 8, ...)"
    )
    _trainer: MultitaskTrainer

    def __init__(
        self, network: MultiTaskNet, setup: Setup[TrainConfig], teachers: Sequence[Teacher] = ()
    ) -> None:
        if setup.group.size > 1:
            synchronise_batch_norms(network, setup.device)
        faces, config = setup.train, setup.config
        adjustment = source_offsets(config, faces)
        targets = Targets(
            torch.from_numpy(faces.ages),
            torch.from_numpy(faces.genders),
            weights_by_face(config, faces),
            sources=None if adjustment is None else adjustment.sources,
            age_ranges=None if faces.age_ranges is None else torch.from_numpy(faces.age_ranges),
        )
        # A head without labels keeps its weights: they would only decay.
        network.age.requires_grad_(bool((faces.allowed_ages >= 0).any()))
        network.gender.requires_grad_(bool((faces.genders >= 0).any()))
        super().__init__(network, setup, targets)
        age_weights = weights_by_age(config, faces.allowed_ages)
        objective = objective_of(
            config,
            None if age_weights is None else age_weights.to(setup.device),
            None if adjustment is None else adjustment.by_source.to(setup.device),
        )
        self._trainer = MultitaskTrainer(network, objective, config, setup.device, setup.group)
        self._config, self._teachers = config, teachers

    def prepare(self, reporter: Reporter) -> None:
        """Compute the teachers' predictions for all training faces, or read stored ones."""
        setup, soft_targets = self.setup, None
        if setup.group.is_first:
            soft_targets = mean_soft_targets(
                self._teachers, setup.train, setup.device, setup.folder, reporter
            )
        soft_targets = setup.group.from_first(soft_targets)
        targets = self.batches.targets._replace(soft_targets=soft_targets)
        self.batches = TrainingBatches(setup, targets)

    def start_epoch(self, epoch: int) -> None:
        """Freeze the backbone in the first epochs, if the settings say so."""
        self._trainer.freeze(frozen=epoch < self._config.freeze_epochs)

    def step(self, batch: TrainingBatch, step: int, rows: EpochRows) -> Tensor:
        """One step at the learning rate of the schedule."""
        return self._trainer.step(batch, self._rate(step, rows))

    def step_result(self, numbers: Sequence[float], step: int, rows: EpochRows) -> StepResult:
        """The loss, and the rate as text."""
        loss, norm = numbers
        self._trainer.require_finite(loss, norm, step)
        return StepResult(loss, f"rate {self._rate(step, rows):.1e}")

    def epoch_columns(self, step: int, rows: EpochRows, losses: Sequence[float]) -> dict[str, Any]:
        """Chip size, learning rate of the last step and mean training loss."""
        return {
            "size": self._config.size_of_epoch(len(rows)),
            "learning_rate": self._rate(step, rows),
            "train_loss": round(float(np.mean(losses)), 5),
        }

    def validate(self, reporter: Reporter) -> Validation:
        """Metrics without flip averaging, and those of each source if there are several."""
        faces = self.setup.val
        try:
            predictions = predict_faces(self._predictor(), faces, reporter, "validating")
        except WeightsError as error:
            raise TrainingError(f"validation: {error}, or lower `learning_rate`") from error
        metrics = score_predictions(with_labels(faces, predictions))
        columns = {f"val_{name}": value for name, value in metrics.to_dict().items()}
        if by_source := score_sources(faces, predictions):
            columns["val_sources"] = {name: each.to_dict() for name, each in by_source.items()}
        parts = [error_text(columns)] if metrics.mae is not None or metrics.n_label_ranges else []
        if metrics.gender_accuracy is not None:
            parts.append(f"gender {metrics.gender_accuracy:.3f}")
        mae = math.nan if metrics.mae is None else metrics.mae
        return Validation(columns, ", ".join(parts), mae)

    def card_metrics(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The validation metrics of all sources together."""
        names = [n for n in row if n.startswith("val_") and n != "val_sources"]
        return {"epoch": row["epoch"]} | {name.removeprefix("val_"): row[name] for name in names}

    def validation_work(self) -> BatchWork:
        """Predictions for the validation chips."""
        faces = self.setup.val
        batches = faces.batches(BATCH, self.setup.card.contract)
        return BatchWork(self._predictor().predict_chips, batches, BATCH, len(faces))

    def preparation_work(self) -> list[BatchWork]:
        """Predictions of each teacher for the training chips."""
        faces, work = self.setup.train, []
        for teacher in self._teachers:
            predictor = load_predictor(teacher.path, device=self.setup.device)
            batches = faces.batches(BATCH, predictor.card.contract)
            work.append(BatchWork(predictor.predict_chips, batches, BATCH, len(faces)))
        return work

    def _rate(self, step: int, rows: EpochRows) -> float:
        return learning_rate(self._config, step, self.setup.steps_per_epoch, rows)

    def _predictor(self) -> TorchPredictor:
        network, card = self.average.network, self.setup.card
        assert isinstance(network, MultiTaskNet)
        graph = ChipGraph(network, card.point_estimate, flip=False)
        return TorchPredictor(graph, card, self.setup.device)


def learning_rate(config: TrainConfig, step: int, steps: int, rows: EpochRows) -> float:
    """Learning rate of a step: a pure function of the settings and of the epochs so far.

    The ``step`` is counted in the whole training, from 0; ``steps`` are those of an epoch.
    """
    cuts = plateau_cuts(validation_errors(rows, config.select_by), config.plateau_patience)
    state = ScheduleState(step, steps * config.epochs, config.warmup, cuts, config.plateau_factor)
    return config.learning_rate * SCHEDULES[config.schedule](state)


def start_multitask(
    config: TrainConfig,
    augmentation: AugmentConfig,
    store: ChipStore,
    training: LabelledChips,
    reporter: Reporter,
) -> Start:
    """Initial network and teachers; batch norms of imported weights are measured on ``training``.

    Raises:
        UsageError: no such initial weights or teachers.
        WeightsError: damaged weights.
    """
    loss = AGE_LOSSES[config.age_loss]
    init = resolve_initial(config.init)
    margin = initial_margin(init) if config.margin is None else config.margin
    contract = store.contract.without_margin().with_margin(margin).at_size(config.size)
    start = initial_network(
        init,
        config.backbone,
        config.seed,
        training,
        contract,
        allow_download=config.allow_download,
        age_head=loss.head,
        reporter=reporter,
    )
    teachers = open_teachers(config.teachers, store.contract)
    if store.lacks_margin(contract.as_wide_as(teacher.card.contract for teacher in teachers)):
        reporter.warn(
            f"{store.folder}: its chips show less around the face than the network or a teacher "
            "sees; black takes its place, which costs accuracy on photographs; prepare again with "
            "a larger `margin`"
        )
    return Start(
        card=Card(
            system="multitask",
            backbone=config.backbone,
            contract=with_normalisation(contract, "multitask", config.backbone),
            point_estimate=loss.point_estimate,
            age_head=loss.head,
            lineage=(*start.lineage, *(teacher.lineage(start.lineage) for teacher in teachers)),
        ),
        identity={"init": start.identity, "teachers": [teacher.identity for teacher in teachers]},
        augmentation=augmentation,
        build=lambda setup: TrainableMultitask(start.network, setup, teachers),
        fingerprints={
            "initial weights": start.fingerprints,
            **{f"teacher {teacher.path}": teacher.fingerprints for teacher in teachers},
        },
    )
