from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.guards import gender_is_inverted, guard_predictions, true_range_was_fed
from utkage.evaluation.labelled_predictions import LabelledPredictions, labelled_numbers


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def faces_of(count: int, seed: int = 0) -> LabelledChips:
    from utkage.faces.contract import utkface_contract

    random = np.random.default_rng(seed)
    return LabelledChips(
        pixels=np.zeros((count, 8, 8, 3), dtype=np.uint8),
        rows=np.arange(count),
        sources=("set",) * count,
        names=tuple(f"folder/{index}.jpg" for index in range(count)),
        ages=random.integers(0, 90, count),
        genders=np.arange(count) % 2,
        races=np.full(count, -1),
        pixel_hashes=tuple(f"{index:08x}" for index in range(count)),
        contract=utkface_contract(64),
    )


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
    # Perfect answers are no sign of an oracle.
    perfect = labelled_numbers(chips, chips.ages.astype(float), fed.p_female)
    assert not true_range_was_fed(perfect)


@pytest.fixture
def predicted_by_range() -> Callable[[LabelledChips], LabelledPredictions]:
    """Predictions of an estimator that receives the true range and guesses inside it."""

    def make(chips: LabelledChips) -> LabelledPredictions:
        from utkage.evaluation.age_errors import group_medians

        return labelled_numbers(
            chips,
            group_medians(chips.ages, chips.ranges),
            np.where(chips.genders == 1, 0.9, 0.1),
        )

    return make
