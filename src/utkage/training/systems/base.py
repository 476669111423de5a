"""Interface between the training loop and a system: one class per system, one method per stage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from utkage.core.reporter import Reporter
from utkage.data.augment import AugmentConfig
from utkage.models.card import Card
from utkage.training.batches import ReadChips, Targets, TrainingBatch, TrainingBatches
from utkage.training.config_groups import RunConfig
from utkage.training.distributed import Group
from utkage.training.ema import WeightAverage
from utkage.training.setup import Setup

# Metrics of the epochs so far, oldest first, as in metrics.jsonl.
EpochRows = Sequence[Mapping[str, Any]]


class StepResult(NamedTuple):
    """Loss over the batch of all processes, and additional text of the progress display."""

    loss: float
    note: str


@dataclass(frozen=True)
class Validation:
    """Metrics of the averaged weights on the validation split.

    Attributes:
        columns: Columns of the epoch's row; a column of ``summary.ERRORS`` is among them.
        mae: Mean absolute error of the age, years, not rounded; NaN without ages in whole years.
        losses: Loss of each model, not rounded, for systems that have several.
    """

    columns: dict[str, Any]
    text: str
    mae: float
    losses: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchWork:
    """Work that is done batch by batch, to be timed on a few of them.

    Attributes:
        batches: The batches, at least one.
        batch_size: Number of chips in each batch but the last.
        count: Number of chips in all batches.
    """

    function: Callable[[Any], object]
    batches: Iterable[Any]
    batch_size: int
    count: int


class _Optimisers(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class TrainableSystem(ABC):
    """A system with its optimisers: what changes while it is trained.

    Attributes:
        average: Moving average of the network's weights, which is validated and saved.
        batches: Draws the training batches.
    """

    memory_settings: ClassVar[str]
    """Settings that decide how much memory a step takes, to follow "lower" in a message."""
    _trainer: _Optimisers

    def __init__(self, network: nn.Module, setup: Setup[RunConfig], targets: Targets) -> None:
        # Convolutions on a CPU are faster in channels-last memory.
        self.network = network.to(setup.device).to(memory_format=torch.channels_last).train()
        self.average = WeightAverage(network, setup.config.ema_decay)
        self.setup = setup
        self.batches = TrainingBatches(setup, targets)

    def prepare(self, reporter: Reporter) -> None:  # noqa: B027 - optional
        """Do one-time work once the run folder exists; all processes call it."""

    def start_epoch(self, epoch: int) -> None:  # noqa: B027 - optional
        """Get ready for the steps of ``epoch`` (from 0)."""

    def read(self, chosen: NDArray[np.int64], epoch: int) -> ReadChips:
        """The chips of this process's share of a batch, from any thread."""
        return self.batches.read(chosen, epoch, self.setup.group)

    def draw(self, chosen: NDArray[np.int64], epoch: int, group: Group) -> TrainingBatch:
        """A process's share of the batch of the ``chosen`` training chips."""
        return self.batches.draw(chosen, epoch, group)

    @abstractmethod
    def step(self, batch: TrainingBatch, step: int, rows: EpochRows) -> Tensor:
        """Forward, loss, backward and one step of the optimisers; reads nothing from the device.

        The ``step`` is counted in the whole training, from 0.

        Returns:
            (k,), on the device: the numbers of the step, for ``step_result``.
        """

    @abstractmethod
    def step_result(self, numbers: Sequence[float], step: int, rows: EpochRows) -> StepResult:
        """The result of the ``step`` that returned these numbers.

        Raises:
            TrainingError: a loss or gradient that is not finite.
        """

    @abstractmethod
    def epoch_columns(self, step: int, rows: EpochRows, losses: Sequence[float]) -> dict[str, Any]:
        """Columns of an epoch's row: from its last step, the rows before, and its losses."""

    @abstractmethod
    def validate(self, reporter: Reporter) -> Validation:
        """Evaluate the averaged weights on the validation split; changes nothing."""

    def end_epoch(self, validation: Validation) -> None:  # noqa: B027 - optional
        """Adjust rates and weights to the validation of the epoch that ends."""

    @abstractmethod
    def card_metrics(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The part of an epoch's row that the card of its weights contains."""

    def state_dict(self) -> dict[str, Any]:
        """State of the optimisers, which a checkpoint stores besides both sets of weights."""
        return self._trainer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of the optimisers."""
        self._trainer.load_state_dict(state)

    @abstractmethod
    def validation_work(self) -> BatchWork:
        """The work of ``validate``, for timing it."""

    def preparation_work(self) -> list[BatchWork]:
        """The work of ``prepare``, for timing it."""
        return []


@dataclass(frozen=True, kw_only=True)
class Start:
    """Starting point of the training of a system.

    Attributes:
        card: Card of the weights to be trained: system, backbone, contract, age head, point
            estimate, and the lineage of the initial weights.
        identity: Content of the initial weights and teachers, by setting.
        build: Makes the system from the complete setup.
        fingerprints: Fingerprints of the training images of each file of weights, by a name of
            the file.
    """

    card: Card
    identity: dict[str, Any]
    augmentation: AugmentConfig
    build: Callable[[Setup[Any]], TrainableSystem]
    fingerprints: Mapping[str, NDArray[np.int32]]
