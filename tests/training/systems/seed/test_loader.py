"""A user's data loader, divided into training and validation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset

from utkage.core.reporter import SilentReporter
from utkage.training.systems.seed.loader import seed_batches, split_loader
from utkage.training.systems.seed.utkface_dataset import identity_of


def faces(count: int = 40) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((count, 3, 32, 32), generator=generator)
    ages = torch.randint(1, 90, (count,), generator=generator)
    return TensorDataset(images, ages, torch.arange(count) % 2)


def test_identical_pictures_are_on_one_side() -> None:
    base = faces(60)
    twice = Subset(base, [index % 60 for index in range(120)])
    training, validation = split_loader(DataLoader(twice, batch_size=8), 0.3, 0, SilentReporter())
    sides = [
        {identity_of(side.dataset, index) for index in range(len(side.dataset))}  # type: ignore[arg-type]
        for side in (training, validation)
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 60
    assert 0.1 < len(validation.dataset) / 120 < 0.5  # type: ignore[arg-type]


def test_the_loaders_settings_are_kept() -> None:
    def collate(items: list[Any]) -> dict[str, Tensor]:
        images, ages, genders = torch.utils.data.default_collate(items)
        return {"image": images, "age": ages, "gender": genders}

    given = DataLoader(faces(), batch_size=7, collate_fn=collate)
    training, validation = split_loader(given, 0.3, 0, SilentReporter())
    for side in (training, validation):
        batch = next(seed_batches(side, torch.device("cpu")))
        assert len(batch[0]) <= 7
        assert side.batch_size == 7
        assert float(batch[0].max()) > 2


def test_training_is_shuffled_anew_each_epoch_and_never_ends_in_one_picture() -> None:
    data = faces(80)
    training, _ = split_loader(DataLoader(data, batch_size=4), 0.2, 0, SilentReporter())
    orders = [[age for batch in training for age in batch[1].tolist()] for _ in range(2)]
    assert orders[0] != orders[1]
    count = len(training.dataset)  # type: ignore[arg-type]
    batch_size = next(size for size in range(2, count) if count % size == 1)
    training, _ = split_loader(DataLoader(data, batch_size=batch_size), 0.2, 0, SilentReporter())
    assert {len(batch[0]) for batch in training} == {batch_size}
