"""``train``: from a prepared set to weights with a card."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utkage.core.device import resolve_device
from utkage.core.errors import UsageError
from utkage.core.files import require_folder
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.settings import to_table
from utkage.core.versions import versions
from utkage.data.augment import AugmentConfig
from utkage.data.chips import LEAKAGE_TOLERANCE, LabelledChips
from utkage.data.store import DEFAULT_FOLDER, ChipStore
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import BEST_NAME, RUNS_FOLDER
from utkage.models.registry import get_backbone
from utkage.training.config import FREE_FIELDS, TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.run_folder import new_run_folder, now, recorded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from utkage.models.multitask import MultiTaskNet
    from utkage.training.distributed import Group
    from utkage.training.learner import TrainingBatch
    from utkage.training.loop import Setup

MIN_CHIPS = 2


@dataclass(frozen=True)
class TrainRequest:
    """What to train, on what, where.

    Attributes:
        data: A prepared set.
        run: The run folder; a run of the same settings in it is continued. None: a new folder
            below ``runs/``, named by date and time.
        device: As in ``--device``.
        config: The recipe.
        command: The command line, for the card.
        augmentation: How chips are varied.
        tensorboard: Write TensorBoard event files into the run folder as well.
    """

    data: Path = DEFAULT_FOLDER
    run: Path | None = None
    device: str = "auto"
    config: TrainConfig = field(default_factory=TrainConfig)
    command: str = ""
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)
    tensorboard: bool = False


@dataclass(frozen=True)
class TrainResult:
    """What training made.

    Attributes:
        folder: The run folder.
        best: The weights with the lowest validation MAE.
        best_mae: That MAE, years.
        best_epoch: Its epoch, from 1.
        epochs: Metrics by epoch.
        is_first: Whether this process is the one that speaks; of several, the others are silent.
    """

    folder: Path
    best: Path
    best_mae: float
    best_epoch: int
    epochs: tuple[dict[str, Any], ...]
    is_first: bool = True

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; the form is stable within a schema number."""
        return {
            "schema": 1,
            "run": str(self.folder),
            "best": str(self.best),
            "best_epoch": self.best_epoch,
            "best_val_mae": self.best_mae,
            "epochs": list(self.epochs),
        }


def train(request: TrainRequest, reporter: Reporter | None = None) -> TrainResult:
    """Train the default system on a prepared set.

    Raises:
        UsageError: no prepared set, an empty split, an unknown device or initial weights.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    from utkage.training.distributed import local_device, process_group

    with process_group(local_device(resolve_device(request.device).torch)) as group:
        if reporter is None or not group.is_first:
            reporter = SilentReporter()
        return _train(request, group, reporter)


def _train(request: TrainRequest, group: Group, reporter: Reporter) -> TrainResult:
    from utkage.training.loop import first_batch, fit

    network, setup = set_up(request, reporter, group)
    recipe = Recipe("multitask", request.tensorboard, request.config, request.augmentation)
    with contextlib.ExitStack() as stack:
        if group.is_first:
            origin = provenance(setup.card, setup.identity)
            keeper = recorded(setup.folder, recipe, origin, lambda: _sample(first_batch(setup)))
            setup = replace(setup, on_epoch=stack.enter_context(keeper))
        result = fit(network, setup, reporter)
    return TrainResult(
        setup.folder,
        setup.folder / BEST_NAME,
        result.best_mae,
        result.best_epoch,
        result.rows,
        group.is_first,
    )


def set_up(
    request: TrainRequest, reporter: Reporter, group: Group | None = None
) -> tuple[MultiTaskNet, Setup]:
    """The initial network and everything else that the training needs; writes nothing.

    Args:
        request: What to train.
        reporter: Hears of device, data and doubts.
        group: The processes that train together; None: this one alone.

    Raises:
        UsageError: as ``train``.
    """
    from utkage.models.initial import initial_network
    from utkage.training.age_losses import AGE_LOSSES
    from utkage.training.distributed import Group, local_device
    from utkage.training.loop import Setup
    from utkage.training.teachers import open_teachers

    group = group or Group()
    chosen = resolve_device(request.device)
    device = local_device(chosen.torch)
    config = request.config
    store, training, validation = open_data(request.data)
    folder = group.from_first(request.run or new_run_folder(RUNS_FOLDER))
    require_folder(folder, "run")
    several = f", {group.size} processes" if group.size > 1 else ""
    reporter.info(
        f"device {device} ({chosen.reason}){several}; {len(training)} training chips; run {folder}"
    )

    loss = AGE_LOSSES[config.age_loss]
    start = initial_network(
        config.init,
        config.backbone,
        config.seed,
        training,
        allow_download=config.allow_download,
        age_head=loss.head,
        reporter=reporter,
    )
    teachers = open_teachers(config.teachers, store.contract)
    known = {"initial weights": start.fingerprints}
    known |= {f"teacher {teacher.path}": teacher.fingerprints for teacher in teachers}
    for name, fingerprints in known.items():
        _warn_of_leakage(name, fingerprints, validation, reporter)
    backbone = get_backbone(config.backbone)
    data = describe_data(store)
    card = Card(
        system="multitask",
        backbone=config.backbone,
        contract=replace(store.contract.at_size(config.size), mean=backbone.mean, std=backbone.std),
        point_estimate=loss.point_estimate,
        age_head=loss.head,
        data=data,
        training={
            "command": request.command,
            "config": config.to_dict(),
            "augmentation": to_table(request.augmentation),
            "started": now(),
            "device": str(device),
        },
        lineage=(
            *start.lineage,
            *(teacher.lineage(start.lineage) for teacher in teachers),
            f"trained on {data['source']}, split {store.split_hash}, by: "
            f"{request.command or 'utkage.train'}",
        ),
        terms=RESEARCH_TERMS,
        versions=versions(),
    )
    identity = {
        **{name: value for name, value in config.to_dict().items() if name not in FREE_FIELDS},
        **augmentation_identity(request.augmentation),
        "init": start.identity,
        "teachers": [teacher.identity for teacher in teachers],
        "split_hash": store.split_hash,
        "chip_size": store.contract.size,
    }
    setup = Setup(
        config=config,
        augmentation=request.augmentation,
        card=card,
        identity=identity,
        train=training,
        val=validation,
        learned=reduce(np.union1d, known.values(), training.fingerprints()),
        device=device,
        folder=folder,
        group=group,
        teachers=teachers,
    )
    return start.network, setup


def _warn_of_leakage(
    name: str, learned: NDArray[np.int32], validation: LabelledChips, reporter: Reporter
) -> None:
    seen = validation.count_training_images(learned)
    if seen > LEAKAGE_TOLERANCE * len(validation):
        reporter.warn(
            f"the {name} learned from {seen} of the {len(validation)} validation pictures, so "
            "validation will flatter; `init=scratch` and no teachers do not have this"
        )


def _sample(batch: TrainingBatch) -> tuple[Tensor, Tensor, Tensor]:
    return batch.images, batch.targets.ages, batch.targets.genders


def open_data(data: Path) -> tuple[ChipStore, LabelledChips, LabelledChips]:
    """A prepared set with its training and validation chips.

    Raises:
        UsageError: no prepared set, an empty split, or too few chips to learn from.
    """
    store = ChipStore.open(data)
    training, validation = store.split("train"), store.split("val")
    if len(training) < MIN_CHIPS:
        raise UsageError(
            f"{data}: {len(training)} chips to learn from; "
            f"batch statistics need at least {MIN_CHIPS}"
        )
    return store, training, validation


def augmentation_identity(augmentation: AugmentConfig) -> dict[str, Any]:
    """The part of a run's identity that says how chips are varied."""
    return {f"augmentation.{name}": value for name, value in to_table(augmentation).items()}


def provenance(card: Card, identity: dict[str, Any]) -> dict[str, Any]:
    """Where a run comes from, for its ``config.toml``."""
    init = identity.get("init", "scratch")
    return {
        **{key: card.training[key] for key in ("command", "started", "device")},
        "init_hash": None if init == "scratch" else init,
        "data": card.data,
        "versions": card.versions,
    }


def describe_data(store: ChipStore) -> dict[str, Any]:
    """What a card says of the data."""
    return {
        "source": store.description["source"]["name"],
        "split": store.description["split"],
        "splits": store.description["splits"],
        "split_hash": store.split_hash,
    }
