import pytest

from utkage.faces.contract import CropContract, utkface_contract
from utkage.models.card import Card


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
