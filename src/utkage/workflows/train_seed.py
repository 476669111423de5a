"""``train --system seed``: the three models of the description, on a prepared set."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utkage.core.errors import UsageError
from utkage.core.files import file_hash, require_folder, write_json
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.versions import versions
from utkage.data.store import DEFAULT_FOLDER, ChipStore
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import BEST_NAME, RUNS_FOLDER
from utkage.workflows.train import (
    CONFIG_NAME,
    MIN_CHIPS,
    TrainResult,
    describe_data,
    new_run_folder,
    now,
)

if TYPE_CHECKING:
    from utkage.engines.training.seed.config import SeedConfig


def _default_config() -> SeedConfig:
    from utkage.engines.training.seed.config import SeedConfig

    return SeedConfig()


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
    """

    data: Path = DEFAULT_FOLDER
    run: Path | None = None
    device: str = "auto"
    config: SeedConfig = field(default_factory=_default_config)
    command: str = ""


def train_seed(request: SeedTrainRequest, reporter: Reporter | None = None) -> TrainResult:
    """Train the gender, age-range and age-estimation models jointly.

    Raises:
        UsageError: no prepared set, an empty split or an unknown device.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    from utkage.data.augment import NO_AUGMENTATION, AugmentConfig
    from utkage.engines.device import choose_device
    from utkage.engines.training.checkpoint_folder import CheckpointFolder
    from utkage.engines.training.distributed import started_by_torchrun
    from utkage.engines.training.seed.loop import SeedSetup, fit_seed
    from utkage.models.seed.initial import initial_seed_system

    if started_by_torchrun():
        raise UsageError("the seed system trains in one process; start it without torchrun")
    reporter = reporter or SilentReporter()
    device, reason = choose_device(request.device)
    config = request.config
    store = ChipStore.open(request.data)
    training, validation = store.split("train"), store.split("val")
    if len(training) < MIN_CHIPS:
        raise UsageError(
            f"{request.data}: {len(training)} chips to learn from; "
            f"batch statistics need at least {MIN_CHIPS}"
        )
    folder = request.run or new_run_folder(RUNS_FOLDER)
    require_folder(folder, "--run")
    reporter.info(f"device {device} ({reason}); {len(training)} chips to learn from; run {folder}")
    start = initial_seed_system(
        config.size, config.gender_width, config.seed, config.init, config.vgg_face_weights
    )
    augmentation = AugmentConfig() if config.augment else NO_AUGMENTATION
    data = describe_data(store)
    card = Card(
        system="seed",
        backbone="vgg_face",
        contract=store.contract.at_size(config.size).unscaled(),
        data=data,
        training={
            "command": request.command,
            "config": config.to_dict(),
            "augmentation": asdict(augmentation),
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
        **config.to_dict(),
        **{name: file_hash(value) for name, value in start.files.items()},
        "split_hash": store.split_hash,
        "chip_size": store.contract.size,
    }
    folder.mkdir(parents=True, exist_ok=True)
    if not CheckpointFolder(folder).paths():
        write_json(folder / CONFIG_NAME, {**card.training, "data": data, "versions": versions()})
    setup = SeedSetup(
        config,
        augmentation,
        card,
        identity,
        training,
        validation,
        np.union1d(start.learned, training.fingerprints()),
        device,
        folder,
    )
    result = fit_seed(start.system, setup, reporter)
    return TrainResult(folder, folder / BEST_NAME, result.best_mae, result.best_epoch, result.rows)
