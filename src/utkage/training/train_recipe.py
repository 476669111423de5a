"""``train`` for whichever system a recipe is for."""

from __future__ import annotations

from pathlib import Path

from utkage.core.reporter import Reporter
from utkage.data.store import DEFAULT_FOLDER
from utkage.training.config import TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.train import TrainRequest, TrainResult, train
from utkage.training.train_seed import SeedTrainRequest, train_seed


def request_of(
    recipe: Recipe,
    *,
    data: Path = DEFAULT_FOLDER,
    run: Path | None = None,
    device: str = "auto",
    command: str = "",
) -> TrainRequest | SeedTrainRequest:
    """What the system of ``recipe`` is asked to train; arguments as in ``TrainRequest``."""
    rest = (command, recipe.augmentation, recipe.tensorboard)
    if isinstance(recipe.training, TrainConfig):
        return TrainRequest(data, run, device, recipe.training, *rest)
    return SeedTrainRequest(data, run, device, recipe.training, *rest)


def train_request(
    request: TrainRequest | SeedTrainRequest, reporter: Reporter | None = None
) -> TrainResult:
    """Train the system that ``request`` is for.

    Raises:
        UsageError: as ``train`` and ``train_seed``.
        TrainingError: as these.
    """
    if isinstance(request, TrainRequest):
        return train(request, reporter)
    return train_seed(request, reporter)
