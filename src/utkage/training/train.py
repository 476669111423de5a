"""``train``: from a prepared set to weights with a card, for every system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utkage.core.device import resolve_device
from utkage.core.errors import DataError, UsageError
from utkage.core.files import require_folder
from utkage.core.outputs import require_inputs_stay
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.settings import to_table
from utkage.core.threads import prefer_passive_waiting, use_threads
from utkage.core.versions import versions
from utkage.data.augment import AugmentConfig
from utkage.data.chips import LEAKAGE_TOLERANCE, UNKNOWN, LabelledChips
from utkage.data.store import DEFAULT_FOLDER, ChipStore
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import (
    BEST_NAME,
    LATEST,
    RESERVED_NAMES,
    RUNS_FOLDER,
    newest_run_weights,
    run_path,
)
from utkage.training.config import FREE_FIELDS, TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.run_folder import (
    new_run_folder,
    now,
    recorded,
    reserved_run_folder,
    written_files,
)
from utkage.training.systems.seed.config import SeedConfig

if TYPE_CHECKING:
    from torch import Tensor

    from utkage.training.distributed import Group
    from utkage.training.systems.base import Start, TrainableSystem

MIN_CHIPS = 2
# The heads of the multi-task network.
HEADS = ("age", "gender")


@dataclass(frozen=True)
class TrainRequest:
    """What to train, on which data, and where.

    Attributes:
        data: Prepared set.
        run: Run folder, or its name below ``runs/`` (``models.locate.run_path``); a run of the same
            settings in it is resumed. None: a new folder below ``runs/``, named by date and time.
        device: Name of the device, as in ``--device``.
        command: Command line, for the card.
        tensorboard: Write TensorBoard event files into the run folder as well.
        threads: Number of threads that PyTorch uses on the CPU, in the whole process; None: as many
            as it chooses.
    """

    data: Path = DEFAULT_FOLDER
    run: str | Path | None = None
    device: str = "auto"
    config: TrainConfig | SeedConfig = field(default_factory=TrainConfig)
    command: str = ""
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)
    tensorboard: bool = False
    threads: int | None = None

    @property
    def recipe(self) -> Recipe:
        """The settings as a recipe."""
        system = "seed" if isinstance(self.config, SeedConfig) else "multitask"
        return Recipe(system, self.tensorboard, self.config, self.augmentation)


def request_of(
    recipe: Recipe,
    *,
    data: Path = DEFAULT_FOLDER,
    run: str | Path | None = None,
    device: str = "auto",
    command: str = "",
    threads: int | None = None,
) -> TrainRequest:
    """The request to train by a recipe; arguments as in ``TrainRequest``."""
    rest = (command, recipe.augmentation, recipe.tensorboard, threads)
    return TrainRequest(data, run, device, recipe.training, *rest)


@dataclass(frozen=True)
class TrainResult:
    """Result of a training.

    Attributes:
        best: File of the weights of the best epoch (``select_by``).
        best_mae: Validation MAE of that epoch, years.
        best_epoch: Its number, from 1.
        epochs: Metrics of each epoch.
        is_first: Whether this is the first of the processes that trained together, which reports.
    """

    folder: Path
    best: Path
    best_mae: float
    best_epoch: int
    epochs: tuple[dict[str, Any], ...]
    is_first: bool = True

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; its form is stable within a schema number."""
        return {
            "schema": 1,
            "run": str(self.folder),
            "best": str(self.best),
            "best_epoch": self.best_epoch,
            "best_val_mae": self.best_mae,
            "epochs": list(self.epochs),
        }


def train(request: TrainRequest, reporter: Reporter | None = None) -> TrainResult:
    """Train a system on a prepared set, or resume the run in the run folder.

    Raises:
        ConfigError: settings that do not fit each other or the initial weights.
        DeviceError: no such device.
        UsageError: no prepared set, an empty split, no such initial weights, or several
            processes for the seed system.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    prefer_passive_waiting()
    from utkage.training.distributed import local_device, process_group, started_by_torchrun
    from utkage.training.loop import first_batch, fit
    from utkage.training.memory_need import largest_epoch, require_least_memory

    if isinstance(request.config, SeedConfig) and started_by_torchrun():
        raise UsageError("the seed system trains in one process; start it without torchrun")
    with ExitStack() as stack:
        place = local_device(resolve_device(request.device).torch)
        group = stack.enter_context(process_group(place))
        if reporter is None or not group.is_first:
            reporter = SilentReporter()
        if request.run is None:
            is_first, runs = group.is_first, RUNS_FOLDER
            new = stack.enter_context(reserved_run_folder(runs)) if is_first else runs
            request = replace(request, run=group.from_first(new))
        system = set_up(request, reporter, group)
        setup = system.setup
        require_least_memory(system, largest_epoch(setup.config))

        def sample() -> tuple[Tensor, Tensor, Tensor]:
            batch = first_batch(system)
            return batch.images, batch.targets.ages, batch.targets.genders

        if group.is_first:
            origin = provenance(setup.card, setup.identity)
            with recorded(setup.folder, request.recipe, origin, sample) as on_epoch:
                result = fit(system, reporter, on_epoch)
        else:
            result = fit(system, reporter)
    best, outcome = setup.folder / BEST_NAME, (result.best_mae, result.best_epoch, result.rows)
    return TrainResult(setup.folder, best, *outcome, group.is_first)


# Former name, from when each system had its own function.
train_request = train


def set_up(
    request: TrainRequest, reporter: Reporter, group: Group | None = None
) -> TrainableSystem:
    """The system with its initial weights, data and run folder; writes nothing.

    Raises the errors of ``train``.
    """
    from utkage.training.distributed import Group, local_device
    from utkage.training.setup import Setup

    group = group or Group()
    use_threads(request.threads)
    device = resolve_device(request.device)
    store = ChipStore.open(request.data)
    training, validation = store.split("train"), store.split("val")
    if len(training) < MIN_CHIPS:
        count = f"{len(training)} training chips"
        raise UsageError(f"{request.data}: {count}; batch norm needs at least {MIN_CHIPS}")
    heads = _labelled_heads(request, training, validation, reporter)
    folder = group.from_first(_run_folder(request.run))
    require_folder(folder, "run")
    require_inputs_stay(
        written_files(folder),
        _input_files(request.config),
        problem="training would replace this file in its run folder",
        field="run",
    )
    processes = f", {group.size} processes" if group.size > 1 else ""
    place = local_device(device.torch)
    reporter.info(
        f"device {place} ({device.reason}){processes}; {len(training)} training chips; run {folder}"
    )
    start = _start(request, store, training, reporter)
    test = store.split("test") if store.description["splits"].get("test") else None
    _warn_of_leakage(start, validation, test, reporter)
    setup = Setup(
        config=request.config,
        augmentation=start.augmentation,
        card=_card(request, start, store, str(place), heads),
        identity={
            **{k: v for k, v in request.config.to_dict().items() if k not in FREE_FIELDS},
            **{f"augmentation.{k}": v for k, v in to_table(start.augmentation).items()},
            **start.identity,
            "split_hash": store.split_hash,
            "chip_size": store.contract.size,
            "chip_margin": round(store.contract.margin, 3),
        },
        train=training,
        val=validation,
        fingerprints=reduce(np.union1d, start.fingerprints.values(), training.fingerprints()),
        device=place,
        folder=folder,
        group=group,
    )
    return start.build(setup)


def _input_files(config: TrainConfig | SeedConfig) -> Iterator[tuple[str, Path]]:
    """Setting and path of each weights file that a training starts from or learns from."""
    choices = [("init", config.init)]
    if isinstance(config, SeedConfig):
        choices.append(("vgg_face_weights", config.vgg_face_weights))
    else:
        choices.extend(("teachers", teacher) for teacher in config.teachers)
    for field_name, choice in choices:
        path = newest_run_weights() if choice in ("auto", LATEST) else run_path(choice)
        if path is not None:
            yield field_name, path / BEST_NAME if path.is_dir() else path


def _run_folder(run: str | Path | None) -> Path:
    """The folder of a run: a name without a folder is one below ``runs/``."""
    if run is None:
        return new_run_folder(RUNS_FOLDER)
    if str(run) in RESERVED_NAMES:
        raise UsageError(f"`run` {run}: is a word of `weights`; choose another name")
    return run_path(run)


def _warn_of_leakage(
    start: Start, validation: LabelledChips, test: LabelledChips | None, reporter: Reporter
) -> None:
    """Say which images the initial weights and the teachers have seen, before any work."""
    consequences = {
        "validation": "so validation will be too optimistic",
        # An option of another command, which is no setting of this one.
        "test": "so 'utkage evaluate' will refuse the test split, but with --skip-seen it scores "
        "the others",
    }
    for name, fingerprints in start.fingerprints.items():
        for split, faces in (("validation", validation), ("test", test)):
            seen = 0 if faces is None else faces.count_training_images(fingerprints)
            if faces is not None and seen > LEAKAGE_TOLERANCE * len(faces):
                reporter.warn(
                    f"{seen} of the {len(faces)} {split} images are training images of the "
                    f"{name}, {consequences[split]}; `init=scratch` without teachers avoids this, "
                    "and so does a set that was prepared with the split seed of those weights"
                )


def _start(
    request: TrainRequest, store: ChipStore, training: LabelledChips, reporter: Reporter
) -> Start:
    """Choose the starting point of the system. Add new systems here and in ``recipe.SYSTEMS``."""
    if isinstance(request.config, SeedConfig):
        from utkage.training.systems.seed.trainable import start_seed

        return start_seed(request.config, request.augmentation, store)
    from utkage.training.systems.multitask.trainable import start_multitask

    return start_multitask(request.config, request.augmentation, store, training, reporter)


def _card(
    request: TrainRequest, start: Start, store: ChipStore, device: str, heads: tuple[str, ...]
) -> Card:
    description = store.description
    source = description["source"]["name"]
    trained = f"trained on {source}, split {store.split_hash}"
    return replace(
        start.card,
        data={
            "source": source,
            "split": description["split"],
            "splits": description["splits"],
            "split_hash": store.split_hash,
        },
        training={
            "command": request.command,
            "config": request.config.to_dict(),
            "augmentation": to_table(start.augmentation),
            "started": now(),
            "device": device,
            **({} if len(heads) == len(HEADS) else {"trained_heads": list(heads)}),
        },
        lineage=(*start.card.lineage, f"{trained}, by: {request.command or 'utkage.train'}"),
        terms=RESEARCH_TERMS,
        versions=versions(),
    )


def _labelled_heads(
    request: TrainRequest, training: LabelledChips, validation: LabelledChips, reporter: Reporter
) -> tuple[str, ...]:
    """The heads that the labels train.

    Raises:
        DataError: the seed system lacks labels, or the validation split has none of their kind.
    """
    partial = not (training.fully_labelled.all() and validation.fully_labelled.all())
    if partial and isinstance(request.config, SeedConfig):
        raise DataError(
            f"{request.data}: the seed system needs an age in whole years and a gender of every "
            "face; prepare only such faces, or use `system=multitask`"
        )
    labelled = [_heads_of(faces) for faces in (training, validation)]
    heads = tuple(head for head in HEADS if head in labelled[0])
    missing = [head for head in heads if head not in labelled[1]]
    if missing:
        raise DataError(
            f"{request.data}: no validation face has a label of {missing[0]}, so the best epoch "
            "cannot be chosen; prepare with another `seed` or a larger `val`"
        )
    for head in HEADS:
        if head not in heads:
            reporter.warn(
                f"{request.data}: no face has a label of {head}, so the {head} head is not "
                f"trained; do not rely on the {head} that these weights predict"
            )
    return heads


def _heads_of(faces: LabelledChips) -> set[str]:
    heads = set()
    if (faces.allowed_ages[:, 0] != UNKNOWN).any():
        heads.add("age")
    if (faces.genders != UNKNOWN).any():
        heads.add("gender")
    return heads


def provenance(card: Card, identity: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance of a run, for its ``config.toml``."""
    init = identity.get("init", "scratch")
    return {
        **{key: card.training[key] for key in ("command", "started", "device")},
        "init_hash": None if init == "scratch" else init,
        "data": card.data,
        "versions": card.versions,
    }
