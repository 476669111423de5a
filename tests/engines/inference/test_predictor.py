from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from utkage.core.errors import UsageError
from utkage.engines.exporting.parity import drawn_chips
from utkage.engines.inference.loading import load_predictor
from utkage.engines.inference.predictions import Predictions
from utkage.engines.inference.predictor import TorchPredictor, predict_batches
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, save_weights

Lively = Callable[..., MultiTaskNet]


@pytest.fixture
def predictor(lively_network: Lively, card: Card) -> TorchPredictor:
    graph = ChipGraph(lively_network(), "median", flip=True).train()
    return TorchPredictor(graph, card, torch.device("cpu"))


def test_answers_are_plain_double_arrays(predictor: TorchPredictor) -> None:
    found = predictor.predict_chips(drawn_chips(3, 64))
    assert {name: value.shape for name, value in vars(found).items()} == {
        "age": (3,),
        "age_distribution": (3, 117),
        "range_probabilities": (3, 9),
        "p_female": (3,),
    }
    assert {value.dtype for value in vars(found).values()} == {np.dtype(np.float64)}
    assert found.age.std() > 0.01


def test_the_memory_layout_of_chips_does_not_matter(predictor: TorchPredictor) -> None:
    chips = drawn_chips(3, 64)
    expected = predictor.predict_chips(chips)
    reversed_twice = chips[::-1].copy()[::-1]
    chips.flags.writeable = False
    for other in (np.asfortranarray(chips), reversed_twice, chips):
        np.testing.assert_array_equal(predictor.predict_chips(other).age, expected.age)


def test_batches_are_answered_lazily_and_in_order(predictor: TorchPredictor) -> None:
    chips = drawn_chips(5, 64)
    asked: list[int] = []

    def batches():  # type: ignore[no-untyped-def]
        for start in (0, 2, 4):
            asked.append(start)
            yield chips[start : start + 2]

    stream = iter(predict_batches(predictor, batches()))
    parts = [next(stream)]
    assert asked == [0]
    parts.extend(stream)
    whole = predictor.predict_chips(chips)
    np.testing.assert_allclose(Predictions.concatenate(parts).age, whole.age, atol=1e-3)


def test_a_predictor_from_a_file(
    tmp_path: Path, lively_network: Lively, card: Card, predictor: TorchPredictor
) -> None:
    path = tmp_path / "a.safetensors"
    none = torch.empty(0, dtype=torch.int32)
    save_weights(path, Weights(card, lively_network().state_dict(), none))
    chips = drawn_chips(2, 64)
    for choice in (path, str(path)):
        loaded = load_predictor(choice)
        assert loaded.card == card
        expected = predictor.predict_chips(chips)
        np.testing.assert_allclose(loaded.predict_chips(chips).age, expected.age, atol=1e-4)
    with pytest.raises(UsageError, match="no such weights file"):
        load_predictor(tmp_path / "other.safetensors")
