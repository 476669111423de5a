from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from utkage.data.chips import LabelledChips
from utkage.faces.contract import utkface_contract
from utkage.training.config import TrainConfig
from utkage.training.weighting import weights_by_face


def faces_of(sources: list[str]) -> LabelledChips:
    n = len(sources)
    return LabelledChips(
        pixels=np.zeros((n, 32, 32, 3), np.uint8),
        rows=np.arange(n),
        sources=tuple(sources),
        names=tuple(f"{i}.jpg" for i in range(n)),
        ages=np.full(n, 30),
        genders=np.zeros(n, np.int64),
        races=np.full(n, -1),
        pixel_hashes=tuple(f"{i:08x}" for i in range(n)),
        contract=utkface_contract(32),
    )


FACES = faces_of(["a"] * 16 + ["b"] * 4 + ["a"] * 16 + ["c"])


def test_all_faces_weigh_the_same_by_default() -> None:
    assert weights_by_face(TrainConfig(), FACES) is None


@pytest.mark.parametrize(("name", "power"), [("sqrt", 0.5), ("equal", 0.0)])
def test_share_of_each_source(name: str, power: float) -> None:
    weights = weights_by_face(TrainConfig(source_weighting=name), FACES)
    assert weights is not None
    assert weights.dtype == torch.float32
    assert float(weights.mean()) == pytest.approx(1, abs=1e-6)
    numbers = {"a": 32, "b": 4, "c": 1}
    total = sum(number**power for number in numbers.values())
    for source, number in numbers.items():
        of_source = weights[torch.from_numpy(FACES.of_source(source))]
        assert of_source.unique().numel() == 1
        assert float(of_source.sum()) / 37 == pytest.approx(number**power / total, rel=1e-5)


def test_one_source_weighs_as_without() -> None:
    alone = replace(FACES, sources=("a",) * len(FACES))
    weights = weights_by_face(TrainConfig(source_weighting="equal"), alone)
    assert weights is not None
    torch.testing.assert_close(weights, torch.ones(37))
