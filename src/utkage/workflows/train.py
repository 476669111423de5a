"""``train``: from a prepared set to weights with a card."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utkage.core.errors import UsageError
from utkage.core.files import require_folder, write_json
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.versions import versions
from utkage.data.chips import SEEN_TOLERANCE
from utkage.data.store import DEFAULT_FOLDER, ChipStore
from utkage.engines.training.config import FREE_FIELDS, TrainConfig
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import BEST_NAME, RUNS_FOLDER
from utkage.models.registry import get_backbone

if TYPE_CHECKING:
    import torch

    from utkage.engines.training.distributed import Group

CONFIG_NAME = "config.json"
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
    """

    data: Path = DEFAULT_FOLDER
    run: Path | None = None
    device: str = "auto"
    config: TrainConfig = field(default_factory=TrainConfig)
    command: str = ""


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


def train(request: TrainRequest, reporter: Reporter | None = None) -> TrainResult:
    """Train the default system on a prepared set.

    Raises:
        UsageError: no prepared set, an empty split, an unknown device or initial weights.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    from utkage.engines.device import choose_device
    from utkage.engines.training.distributed import local_device, process_group

    device, reason = choose_device(request.device)
    device = local_device(device)
    with process_group(device) as group:
        if reporter is None or not group.is_first:
            reporter = SilentReporter()
        return _train(request, group, device, reason, reporter)


def _train(
    request: TrainRequest, group: Group, device: torch.device, reason: str, reporter: Reporter
) -> TrainResult:
    from utkage.data.augment import AugmentConfig
    from utkage.engines.training.checkpoint_folder import CheckpointFolder
    from utkage.engines.training.loop import Setup, fit
    from utkage.models.initial import initial_network

    config = request.config
    store = ChipStore.open(request.data)
    training, validation = store.split("train"), store.split("val")
    if len(training) < MIN_CHIPS:
        raise UsageError(
            f"{request.data}: {len(training)} chips to learn from; "
            f"batch statistics need at least {MIN_CHIPS}"
        )
    folder = group.from_first(request.run or new_run_folder(RUNS_FOLDER))
    require_folder(folder, "--run")
    several = f", {group.size} processes" if group.size > 1 else ""
    reporter.info(
        f"device {device} ({reason}){several}; {len(training)} chips to learn from; run {folder}"
    )

    start = initial_network(
        config.init,
        config.backbone,
        config.seed,
        training,
        allow_download=config.allow_download,
    )
    known = int(np.isin(validation.fingerprints(), start.fingerprints).sum())
    if known > SEEN_TOLERANCE * len(validation):
        reporter.warn(
            f"the initial weights learned from {known} of the {len(validation)} validation "
            "pictures, so validation will flatter; --init scratch does not have this"
        )
    backbone = get_backbone(config.backbone)
    augmentation = AugmentConfig()
    data = describe_data(store)
    card = Card(
        system="multitask",
        backbone=config.backbone,
        contract=replace(store.contract.at_size(config.size), mean=backbone.mean, std=backbone.std),
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
            f"{request.command or 'utkage.train'}",
        ),
        terms=RESEARCH_TERMS,
        versions=versions(),
    )
    identity = {
        **{name: value for name, value in config.to_dict().items() if name not in FREE_FIELDS},
        "init": start.identity,
        "split_hash": store.split_hash,
        "chip_size": store.contract.size,
    }
    folder.mkdir(parents=True, exist_ok=True)
    if group.is_first and not CheckpointFolder(folder).paths():
        write_json(folder / CONFIG_NAME, {**card.training, "data": data, "versions": versions()})
    result = fit(
        start.network,
        Setup(
            config=config,
            augmentation=augmentation,
            card=card,
            identity=identity,
            train=training,
            val=validation,
            learned=np.union1d(start.fingerprints, training.fingerprints()),
            device=device,
            folder=folder,
            group=group,
        ),
        reporter,
    )
    return TrainResult(
        folder, folder / BEST_NAME, result.best_mae, result.best_epoch, result.rows, group.is_first
    )


def describe_data(store: ChipStore) -> dict[str, Any]:
    """What a card says of the data."""
    return {
        "source": store.description["source"]["name"],
        "split": store.description["split"],
        "splits": store.description["splits"],
        "split_hash": store.split_hash,
    }


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def new_run_folder(runs: Path) -> Path:
    """A folder below ``runs`` that does not exist yet, named by date and time."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder, number = runs / stamp, 2
    while folder.exists():
        folder, number = runs / f"{stamp}-{number}", number + 1
    return folder
