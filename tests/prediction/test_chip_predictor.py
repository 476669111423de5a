from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from utkage.core.errors import UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.exporting.parity import synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, save_weights
from utkage.prediction.chip_predictor import TorchPredictor, predict_faces
from utkage.prediction.loading import load_predictor
from utkage.prediction.predictions import Predictions

Lively = Callable[..., MultiTaskNet]


@pytest.fixture
def predictor(lively_network: Lively, card: Card) -> TorchPredictor:
    graph = ChipGraph(lively_network(), "median", flip=True).train()
    return TorchPredictor(graph, card, torch.device("cpu"))


def test_answers_are_plain_double_arrays(predictor: TorchPredictor) -> None:
    found = predictor.predict_chips(synthetic_chips(3, 64))
    columns = {name: value for name, value in vars(found).items() if name != "calibration"}
    assert {name: value.shape for name, value in columns.items()} == {
        "age": (3,),
        "age_distribution": (3, 117),
        "range_probabilities": (3, 9),
        "p_female": (3,),
    }
    assert {value.dtype for value in columns.values()} == {np.dtype(np.float64)}
    assert found.age.std() > 0.01


def test_answers_know_the_calibration_of_the_weights(lively_network: Lively, card: Card) -> None:
    narrow = tuple(level / 2 for level in LEVELS)
    calibration = Calibration(
        gender_temperature=1.0,
        range_temperature=1.0,
        levels=LEVELS,
        bands=(AgeBand(0, 500, narrow),),
    )
    graph = ChipGraph(lively_network(), "median", flip=True, calibration=calibration)
    calibrated = replace(card, calibration=calibration)
    found = TorchPredictor(graph, calibrated, torch.device("cpu")).predict_chips(
        synthetic_chips(3, 64)
    )
    plain = replace(found, calibration=None)
    np.testing.assert_allclose(found.age_interval(0.8), plain.age_interval(0.4), atol=1e-9)
    for part in (found[np.array([2])], Predictions.concatenate([found, found])):
        assert part.calibration is calibration


def test_the_memory_layout_of_chips_does_not_matter(predictor: TorchPredictor) -> None:
    chips = synthetic_chips(3, 64)
    expected = predictor.predict_chips(chips)
    reversed_twice = chips[::-1].copy()[::-1]
    chips.flags.writeable = False
    for other in (np.asfortranarray(chips), reversed_twice, chips):
        np.testing.assert_array_equal(predictor.predict_chips(other).age, expected.age)


def test_all_faces_in_their_order(
    predictor: TorchPredictor, labelled_chips: Callable[..., LabelledChips]
) -> None:
    faces = labelled_chips(5, 64)
    predictions = predict_faces(predictor, faces, SilentReporter(), "x")
    whole = predictor.predict_chips(faces.pixels[faces.rows])
    np.testing.assert_allclose(predictions.age, whole.age, atol=1e-3)


@pytest.mark.parametrize(
    "chips",
    [
        np.zeros((2, 64, 64, 3), np.float32),
        np.zeros((2, 48, 48, 3), np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((2, 3, 64, 64), np.uint8),
    ],
)
def test_other_arrays_are_refused(predictor: TorchPredictor, chips: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"take uint8 RGB \(N, 64, 64, 3\)"):
        predictor.predict_chips(chips)


def test_a_predictor_from_a_file(
    tmp_path: Path, lively_network: Lively, card: Card, predictor: TorchPredictor
) -> None:
    path = tmp_path / "a.safetensors"
    none = torch.empty(0, dtype=torch.int32)
    save_weights(path, Weights(card, lively_network().state_dict(), none))
    chips = synthetic_chips(2, 64)
    for choice in (path, str(path)):
        loaded = load_predictor(choice)
        assert loaded.card == card
        expected = predictor.predict_chips(chips)
        np.testing.assert_allclose(loaded.predict_chips(chips).age, expected.age, atol=1e-4)
    with pytest.raises(UsageError, match="no such weights file"):
        load_predictor(tmp_path / "other.safetensors")


MEMORY_PROGRAM = """
from utkage.core.process_memory import peak_memory
from utkage.exporting.parity import synthetic_chips
from utkage.prediction.chip_predictor import BATCH
from utkage.prediction.loading import load_predictor

predictor = load_predictor()
chips = synthetic_chips(BATCH, predictor.card.contract.size)
before = peak_memory()
for _ in range(2):
    predictor.predict_chips(chips)
print(peak_memory() - before)
"""


def test_predicting_batches_needs_less_than_a_gigabyte() -> None:
    # It once took 1.6 GB, from the second batch of a size on.
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert int(done.stdout) < 1_000_000_000
