from __future__ import annotations

from pathlib import Path

import pytest
import torch

from utkage.core.errors import UsageError, WeightsError
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.plain_state import (
    MODELS,
    load_plain_state,
    plain_weights,
    save_plain_state,
)
from utkage.models.seed.system import START_SCALE, SeedSystem
from utkage.models.seed.vgg_face import VggFace

WHOLE = {f"{model}.weight": torch.ones(2) for model in MODELS}


@pytest.fixture
def system() -> SeedSystem:
    torch.manual_seed(0)
    return SeedSystem(VggFace(32, 1 / 64), AgeRangeNet(), AgeEstimationNet())


def test_a_state_comes_back(system: SeedSystem, tmp_path: Path) -> None:
    path = tmp_path / "AgeGenderWeights.pt"
    save_plain_state(system, 32, path)
    names = torch.load(path, weights_only=True)
    assert {name.partition(".")[0] for name in names} == {*MODELS, "size", "age_scale"}
    state = load_plain_state(path)
    assert state.size == 32
    expected = system.state_dict()
    assert state.system.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(state.system[name], value), name
    weights = plain_weights(path)
    assert weights.state.keys() == expected.keys()
    assert (weights.card.system, weights.card.contract.size) == ("seed", 32)
    assert len(weights.fingerprints) == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([torch.ones(1)], "holds a list; pass a state dict"),
        ({"gender_model.weight": 3}, "gender_model.weight' is a int; a state dict has"),
        ({"gender_model.weight": torch.ones(1)}, "no age_range_model and no age_estimation_model"),
        ({**WHOLE, "teacher.weight": torch.ones(1)}, "'teacher.weight' belongs to none of"),
    ],
)
def test_other_contents_are_refused(value: object, message: str, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(WeightsError, match=message):
        load_plain_state(tmp_path / "x.pt")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such weights file"):
        load_plain_state(tmp_path / "gone.pt")
    (tmp_path / "x.pt").write_bytes(b"PK damaged")
    with pytest.raises(WeightsError, match="damaged, or contains more than tensors"):
        load_plain_state(tmp_path / "x.pt")


def test_a_state_without_size_and_scale(tmp_path: Path) -> None:
    torch.save(WHOLE, tmp_path / "x.pt")
    state = load_plain_state(tmp_path / "x.pt")
    assert state.size is None
    assert state.system["age_scale"].item() == pytest.approx(START_SCALE)
    with pytest.raises(WeightsError, match="add a tensor 'size'"):
        plain_weights(tmp_path / "x.pt")
