from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from utkage.data.chips import LabelledChips
from utkage.faces.contract import utkface_contract
from utkage.training.config import TrainConfig
from utkage.training.weighting import rare_age_weights, weights_by_age, weights_by_face


def slow_frequency(counts: list[int], smoothing: float) -> list[float]:
    found = []
    for year in range(len(counts)):
        kernel = [math.exp(-(((year - y) / smoothing) ** 2) / 2) for y in range(len(counts))]
        total = sum(k * count for k, count in zip(kernel, counts, strict=True))
        found.append(total / sum(kernel) / sum(counts))
    return found


def test_against_a_slow_reference() -> None:
    counts = [5, 0, 90, 40, 3, 0, 1]
    raw = [1 / math.sqrt(f) for f in slow_frequency(counts, 1.5)]
    mean = sum(w * count for w, count in zip(raw, counts, strict=True)) / sum(counts)
    found = rare_age_weights(np.array(counts), 100.0, 1.5)
    np.testing.assert_allclose(found, [w / mean for w in raw], rtol=1e-12)


def test_rare_ages_weigh_more_up_to_the_clip() -> None:
    counts = np.zeros(117, dtype=np.int64)
    counts[20:40], counts[70], counts[100] = 500, 20, 1
    weights = rare_age_weights(counts, 5.0)
    assert weights[30] < 1 < weights[70] <= weights[100] == weights[116] == 5.0


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=117).filter(any), st.floats(1.01, 50))
def test_the_mean_is_one_after_the_clip(counts: list[int], clip: float) -> None:
    weights = rare_age_weights(np.array(counts), clip)
    assert bool((weights > 0).all())
    assert weights.max() <= clip
    mean = float(weights @ counts) / sum(counts)
    assert mean == pytest.approx(1, rel=1e-9)


def test_even_ages_weigh_the_same() -> None:
    np.testing.assert_allclose(rare_age_weights(np.full(30, 7), 5.0), 1, rtol=1e-12)


@pytest.mark.parametrize(("count", "clip"), [(0, 5.0), (3, 1.0), (3, float("nan"))])
def test_impossible_wishes(count: int, clip: float) -> None:
    with pytest.raises(ValueError, match="above 1"):
        rare_age_weights(np.full(4, count), clip)


def test_as_a_recipe_says() -> None:
    ages = np.array([30] * 90 + [31] * 40 + [80])
    allowed = np.stack([ages, ages], axis=1)
    assert weights_by_age(TrainConfig(), allowed) is None
    found = weights_by_age(TrainConfig(age_weighting="sqrt", age_weight_clip=3.0), allowed)
    assert found is not None
    assert found.shape == (117,)
    assert float(found[80]) == 3.0
    assert float(found[ages].mean()) == pytest.approx(1, abs=1e-6)


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
