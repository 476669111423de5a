from collections.abc import Callable

import pytest
import torch

from utkage.engines.exporting.parity import drawn_chips
from utkage.faces.contract import CropContract, utkface_contract
from utkage.models.card import Card
from utkage.models.multitask import MultiTaskNet

Lively = Callable[..., MultiTaskNet]


@pytest.fixture
def card() -> Card:
    return Card(
        system="multitask",
        backbone="mobilenet_v3_small",
        contract=utkface_contract(64),
        data={"split_hash": "abc", "splits": {"train": 3}},
        lineage=("from nowhere",),
        limits=("größer", "x"),
        repetitions=("once",),
    )


@pytest.fixture(scope="session")
def contract() -> CropContract:
    return utkface_contract(64)


@pytest.fixture(scope="session")
def lively_network() -> Lively:
    """Networks whose answers differ clearly from chip to chip, in evaluation mode."""

    def make(backbone: str = "mobilenet_v3_small", seed: int = 0) -> MultiTaskNet:
        torch.manual_seed(seed)
        network = MultiTaskNet(backbone)
        for head in (network.hidden, network.age, network.gender):
            torch.nn.init.normal_(head.weight, 0, 0.1)
        # Without measured batch norms, random networks answer the same for everything.
        norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        chips = torch.from_numpy(drawn_chips(12, 64, seed=5)).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            network.train()(chips)
        return network.eval()

    return make
