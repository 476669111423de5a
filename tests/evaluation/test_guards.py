"""Guards against inverted genders and true ranges fed in, and the oracle error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from labelled_chips import faces_of
from partial_labels import without

from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.guards import (
    gender_is_inverted,
    guard_predictions,
    oracle_error,
    true_range_was_fed,
)
from utkage.evaluation.inputs.labelled_predictions import (
    GENDER,
    LabelledPredictions,
    labelled_numbers,
)
from utkage.evaluation.metrics.age_errors import group_medians
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedGraph, SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.prediction.chip_predictor import TorchPredictor

LabelledPredictionsOf = Callable[..., LabelledPredictions]


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def test_inverted_gender() -> None:
    random = np.random.default_rng(0)
    genders = random.integers(0, 2, 200)
    female = np.where(genders == 1, 0.8, 0.2) + random.uniform(-0.15, 0.15, 200)
    assert gender_is_inverted(1 - genders, female)
    assert not gender_is_inverted(genders, female)
    assert not gender_is_inverted(genders, random.uniform(0, 1, 200))
    assert not gender_is_inverted(1 - genders[:20], female[:20])


def guarded(faces: LabelledPredictions, allow: bool, listener: Listener) -> tuple[str, ...]:
    return guard_predictions(faces, "theirs.csv", allow=allow, reporter=listener)


def test_suspicious_predictions_are_refused_unless_allowed() -> None:
    chips = faces_of(200)
    ages = chips.ages + np.random.default_rng(1).normal(0, 5, 200)
    female = np.where(chips.genders == 1, 0.9, 0.1)
    honest = labelled_numbers(chips, ages.clip(0), female)
    listener = Listener()
    assert guarded(honest, False, listener) == ()
    inverted = labelled_numbers(chips, ages.clip(0), 1 - female)
    with pytest.raises(
        DataError, match=r"theirs\.csv: .*gender of set is .*`allow_suspicious=True`"
    ):
        guarded(inverted, False, listener)
    assert listener.warnings == []
    assert len(guarded(inverted, True, listener)) == 1
    assert "inverted" in listener.warnings[0]


def test_labels_in_the_place_of_predictions_are_refused() -> None:
    chips = faces_of(200)
    female = np.where(chips.genders == 1, 0.9, 0.1)
    copied = labelled_numbers(chips, chips.ages.astype(float), female)
    with pytest.raises(DataError, match=r"predicted age equals the labels.*`allow_suspicious"):
        guarded(copied, False, Listener())
    assert len(guarded(copied, True, Listener())) == 1
    # A predictor that was trained on these pictures may have memorised them.
    memorised = guard_predictions(copied, "run", allow=False, reporter=Listener(), memorised=True)
    assert memorised == ()
    both = labelled_numbers(chips, chips.ages + 0.3, chips.genders.astype(float))
    with pytest.raises(DataError, match="predicted age and gender equal the labels"):
        guarded(both, False, Listener())
    few = copied.take(np.arange(6))
    with pytest.raises(DataError, match="equals the labels"):
        guarded(few, False, Listener())


def test_small_errors_on_faces_of_one_age_are_possible() -> None:
    chips = replace(faces_of(60), ages=np.arange(60) % 3)
    infants = labelled_numbers(chips, chips.ages.astype(float), np.full(60, 0.5))
    assert guarded(infants, False, Listener()) == ()


def test_one_of_several_sources_may_be_inverted() -> None:
    chips = replace(faces_of(400), sources=("one",) * 200 + ("other",) * 200)
    female = np.where(chips.genders == 1, 0.9, 0.1)
    female[200:] = 1 - female[200:]
    mixed = labelled_numbers(chips, chips.ages + 5.0, female)
    with pytest.raises(DataError, match="the gender of other is inverted"):
        guarded(mixed, False, Listener())


def test_a_true_range_that_was_fed_in(
    predicted_by_range: Callable[[LabelledChips], LabelledPredictions],
) -> None:
    chips = faces_of(300)
    fed = predicted_by_range(chips)
    assert true_range_was_fed(fed)
    with pytest.raises(DataError, match="true age range"):
        guarded(fed, False, Listener())
    assert not true_range_was_fed(fed.take(np.arange(50)))
    # Perfect predictions are no sign of an oracle.
    perfect = labelled_numbers(chips, chips.ages.astype(float), fed.p_female)
    assert not true_range_was_fed(perfect)


@pytest.fixture
def predicted_by_range() -> Callable[[LabelledChips], LabelledPredictions]:
    """Predictions of an estimator that receives the true range and guesses inside it."""

    def make(chips: LabelledChips) -> LabelledPredictions:

        return labelled_numbers(
            chips,
            group_medians(chips.ages, chips.ranges),
            np.where(chips.genders == 1, 0.9, 0.1),
        )

    return make


CPU = torch.device("cpu")


def test_true_ranges_are_fed(labelled_chips: Callable[..., LabelledChips], card: Card) -> None:
    torch.manual_seed(0)
    faces = labelled_chips(150, 64)
    system = SeedSystem(VggFace(64, 1 / 64), AgeRangeNet(), AgeEstimationNet()).eval()
    images = torch.from_numpy(faces.pixels).permute(0, 3, 1, 2).float()
    truth = torch.from_numpy(faces.ranges)
    with torch.inference_mode():
        ages = [system.age_estimation(turned, truth) for turned in (images, images.flip(3))]
    for flip, expected in ((False, ages[0]), (True, (ages[0] + ages[1]) / 2)):
        predictor = TorchPredictor(SeedGraph(system, flip=flip), card, CPU)
        assert predictor.feeds_ranges
        found = oracle_error(predictor, faces, SilentReporter())
        assert abs(found - np.abs(expected.numpy() - faces.ages).mean()) < 1e-4


def test_other_systems_have_no_such_estimator(card: Card) -> None:
    graph = ChipGraph(MultiTaskNet("mobilenet_v3_small"), "median", flip=False)
    assert not TorchPredictor(graph, card, CPU).feeds_ranges


def test_inverted_genders_are_found_among_faces_without_gender(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(200)
    faces = without(replace(faces, genders=1 - faces.genders), GENDER, np.arange(50))
    with pytest.raises(DataError, match="inverted"):
        guard_predictions(faces, "w", allow=False, reporter=SilentReporter())
