"""States of optimisers from a damaged checkpoint are refused before a step uses them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from utkage.training.optimiser_state import load_optimiser, load_plateau, require_like


def optimiser() -> torch.optim.AdamW:
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    made = torch.optim.AdamW(network.parameters(), lr=0.1)
    network(torch.ones(4, 3)).sum().backward()
    made.step()
    return made


def test_a_state_comes_back() -> None:
    source, target = optimiser(), optimiser()
    source.param_groups[0]["lr"] = 0.025
    source.step()
    load_optimiser(target, copy.deepcopy(source.state_dict()))
    assert target.param_groups[0]["lr"] == 0.025
    for own, other in zip(target.state.values(), source.state.values(), strict=True):
        assert {name: value.tolist() for name, value in own.items()} == {
            name: value.tolist() for name, value in other.items()
        }


def test_settings_that_another_version_lacks_keep_their_values() -> None:
    state = copy.deepcopy(optimiser().state_dict())
    del state["param_groups"][0]["maximize"]
    state["param_groups"][0]["another"] = 7
    target = optimiser()
    load_optimiser(target, state)
    assert target.param_groups[0]["maximize"] is False
    assert "another" not in target.param_groups[0]


def change(*path: Any, value: Any) -> Callable[[Any], None]:
    def apply(state: Any) -> None:
        for key in path[:-1]:
            state = state[key]
        state[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    "spoil",
    [
        change("param_groups", value=[]),
        change("param_groups", value=5),
        change("param_groups", 0, "params", value=[0]),
        change("param_groups", 0, "params", value=[1, 0]),
        change("param_groups", 0, "lr", value="fast"),
        change("param_groups", 0, "lr", value=math.nan),
        change("param_groups", 0, "betas", value=(0.9,)),
        change("param_groups", 0, "amsgrad", value=3),
        change("state", 0, value={}),
        change("state", 0, "exp_avg", value=torch.ones(5)),
        change("state", 0, "exp_avg", value=torch.full((2, 3), math.inf)),
        change("state", 0, "exp_avg_sq", value=torch.tensor(1.0)),
        change("state", 0, "step", value=torch.tensor(math.nan)),
        change("state", 0, "more", value=torch.ones(2, 3)),
    ],
)
def test_damage_is_a_value_error(spoil: Callable[[Any], None]) -> None:
    state = copy.deepcopy(optimiser().state_dict())
    spoil(state)
    with pytest.raises(ValueError, match=r".+"):
        load_optimiser(optimiser(), state)


def test_a_plateau_comes_back_and_takes_no_other_attributes() -> None:
    source, target = (ReduceLROnPlateau(optimiser(), patience=2) for _ in range(2))
    source.step(3.0)
    load_plateau(target, {**source.state_dict(), "step": 5})
    assert target.best == 3.0
    target.step(2.0)
    for name, value in (("best", "low"), ("best", math.nan), ("mode", 3), ("patience", None)):
        with pytest.raises(ValueError, match=f"plateau.{name} is"):
            load_plateau(target, {**source.state_dict(), name: value})


def test_structures_are_compared() -> None:
    own = {"a": [1, (2.0, "x")], "t": torch.zeros(2), "n": None}
    assert require_like({"a": [5, (3, "y")], "n": True, "z": 1}, own, "p")["a"] == [5, (3, "y")]
    for found in ({"a": [1]}, {"a": {}}, {"t": torch.zeros(3)}, {"t": 1}, {"n": "x"}, []):
        with pytest.raises(ValueError, match=r"^p"):
            require_like(found, own, "p")
