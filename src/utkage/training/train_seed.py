"""``train --system seed``: the three models of the description, on a prepared set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utkage.core.device import resolve_device
from utkage.core.errors import UsageError
from utkage.core.files import file_hash, require_folder
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.settings import to_table
from utkage.core.versions import versions
from utkage.data.augment import NO_AUGMENTATION, AugmentConfig
from utkage.data.store import DEFAULT_FOLDER
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import BEST_NAME, RUNS_FOLDER
from utkage.training.config import FREE_FIELDS
from utkage.training.recipe import Recipe
from utkage.training.run_folder import new_run_folder, now, recorded
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.train import (
    TrainResult,
    augmentation_identity,
    describe_data,
    open_data,
    provenance,
)

if TYPE_CHECKING:
    from utkage.models.seed.system import SeedSystem
    from utkage.training.systems.seed.loop import SeedSetup


@dataclass(frozen=True)
class SeedTrainRequest:
    """What to train the seed system on, where.

    Attributes:
        data: A prepared set.
        run: The run folder; a run of the same settings in it is continued. None: a new folder
            below ``runs/``, named by date and time.
        device: As in ``--device``.
        config: The recipe.
        command: The command line, for the card.
        augmentation: How chips are varied, if the recipe has them varied at all.
        tensorboard: Write TensorBoard event files into the run folder as well.
    """

    data: Path = DEFAULT_FOLDER
    run: Path | None = None
    device: str = "auto"
    config: SeedConfig = field(default_factory=SeedConfig)
    command: str = ""
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)
    tensorboard: bool = False


def train_seed(request: SeedTrainRequest, reporter: Reporter | None = None) -> TrainResult:
    """Train the gender, age-range and age-estimation models jointly.

    Raises:
        UsageError: no prepared set, an empty split or an unknown device.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    from utkage.training.distributed import started_by_torchrun
    from utkage.training.systems.seed.loop import first_batch, fit_seed

    if started_by_torchrun():
        raise UsageError("the seed system trains in one process; start it without torchrun")
    reporter = reporter or SilentReporter()
    system, setup = set_up_seed(request, reporter)
    recipe = Recipe("seed", request.tensorboard, request.config, request.augmentation)
    origin = provenance(setup.card, setup.identity)
    with recorded(setup.folder, recipe, origin, lambda: first_batch(setup)) as on_epoch:
        result = fit_seed(system, replace(setup, on_epoch=on_epoch), reporter)
    best = setup.folder / BEST_NAME
    return TrainResult(setup.folder, best, result.best_mae, result.best_epoch, result.rows)


def set_up_seed(request: SeedTrainRequest, reporter: Reporter) -> tuple[SeedSystem, SeedSetup]:
    """The three models and everything else that their training needs; writes nothing.

    Raises:
        UsageError: as ``train_seed``.
    """
    from utkage.models.seed.initial import initial_seed_system
    from utkage.training.systems.seed.loop import SeedSetup

    chosen = resolve_device(request.device)
    device = chosen.torch
    config = request.config
    store, training, validation = open_data(request.data)
    folder = request.run or new_run_folder(RUNS_FOLDER)
    require_folder(folder, "run")
    reporter.info(
        f"device {device} ({chosen.reason}); {len(training)} training chips; run {folder}"
    )
    start = initial_seed_system(
        config.size, config.gender_width, config.seed, config.init, config.vgg_face_weights
    )
    augmentation = request.augmentation if config.augment else NO_AUGMENTATION
    data = describe_data(store)
    card = Card(
        system="seed",
        backbone="vgg_face",
        contract=store.contract.at_size(config.size).unscaled(),
        data=data,
        training={
            "command": request.command,
            "config": config.to_dict(),
            "augmentation": to_table(augmentation),
            "started": now(),
            "device": str(device),
        },
        lineage=(
            *start.lineage,
            f"trained on {data['source']}, split {store.split_hash}, by: "
            f"{request.command or 'utkage.train_seed'}",
        ),
        terms=RESEARCH_TERMS,
        versions=versions(),
    )
    identity = {
        "system": "seed",
        **{name: value for name, value in config.to_dict().items() if name not in FREE_FIELDS},
        **{name: file_hash(path) for name, path in start.files.items()},
        **augmentation_identity(augmentation),
        "split_hash": store.split_hash,
        "chip_size": store.contract.size,
    }
    setup = SeedSetup(
        config,
        augmentation,
        card,
        identity,
        training,
        validation,
        np.union1d(start.fingerprints, training.fingerprints()),
        device,
        folder,
    )
    return start.system, setup
