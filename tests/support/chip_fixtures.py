"""Chips, networks and predictions that tests of several packages share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from cards import card_of

from utkage.data.chips import LabelledChips
from utkage.exporting.parity import synthetic_chips
from utkage.faces.contract import utkface_contract
from utkage.models.card import Card
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.predictions import Predictions
from utkage.preparation.ingest import pixel_hash

Chips = Callable[..., LabelledChips]
Lively = Callable[..., MultiTaskNet]
RandomPredictions = Callable[..., Predictions]


@pytest.fixture(scope="session")
def card() -> Card:
    return card_of()


@pytest.fixture(scope="session")
def labelled_chips() -> Chips:
    """Drawn chips whose brightness says the age and whose tint says the gender."""

    def make(count: int, size: int = 32, seed: int = 0) -> LabelledChips:
        random = np.random.default_rng(seed)
        ages = random.integers(5, 90, count)
        genders = np.arange(count, dtype=np.int64) % 2
        pixels = synthetic_chips(count, size, seed).astype(np.float64) * 0.2
        pixels += ages[:, None, None, None] * 2
        pixels[..., 0] += 60 * genders[:, None, None]
        chips = np.clip(pixels, 0, 255).astype(np.uint8)
        return LabelledChips(
            pixels=chips,
            rows=np.arange(count, dtype=np.int64),
            sources=("drawn",) * count,
            names=tuple(f"{index}.jpg" for index in range(count)),
            ages=ages.astype(np.int64),
            genders=genders,
            races=np.full(count, -1, dtype=np.int64),
            pixel_hashes=tuple(pixel_hash(chip) for chip in chips),
            contract=utkface_contract(size),
        )

    return make


@pytest.fixture(scope="session")
def lively_network() -> Lively:
    """Networks whose predictions differ clearly from chip to chip, in evaluation mode."""

    def make(backbone: str = "mobilenet_v3_small", seed: int = 0) -> MultiTaskNet:
        torch.manual_seed(seed)
        network = MultiTaskNet(backbone)
        for head in (network.hidden, network.age, network.gender):
            torch.nn.init.normal_(head.weight, 0, 0.1)
        # Without measured batch norms, random networks predict the same for everything.
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        chips = torch.from_numpy(synthetic_chips(12, 64, seed=5)).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            network.train()(chips)
        return network.eval()

    return make


@pytest.fixture(scope="session")
def random_predictions() -> RandomPredictions:
    """Predictions that are well formed but carry no information."""

    def make(count: int, seed: int = 0) -> Predictions:
        random = np.random.default_rng(seed)
        distribution = random.dirichlet(np.full(117, 0.3), count)
        ranges = random.dirichlet(np.ones(9), count)
        return Predictions(
            random.uniform(0, 100, count), distribution, ranges, random.uniform(0, 1, count)
        )

    return make
