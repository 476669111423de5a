from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cards import card_of

from utkage.faces.contract import CropContract, utkface_contract
from utkage.models.card import Card
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, save_weights

Lively = Callable[..., MultiTaskNet]


@pytest.fixture
def card() -> Card:
    return card_of(
        data={"split_hash": "abc", "splits": {"train": 3}},
        lineage=("from nowhere",),
        limits=("größer", "x"),
        repetitions=("once",),
    )


@pytest.fixture(scope="session")
def contract() -> CropContract:
    return utkface_contract(64)


@pytest.fixture
def weights(card: Card, lively_network: Lively) -> Weights:
    prints = torch.tensor([-5, 0, 7], dtype=torch.int32)
    return Weights(card, lively_network().state_dict(), prints)


@pytest.fixture
def saved(tmp_path: Path, weights: Weights) -> Path:
    path = tmp_path / "model.safetensors"
    save_weights(path, weights)
    return path
