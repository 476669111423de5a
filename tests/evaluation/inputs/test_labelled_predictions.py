from collections.abc import Callable

import numpy as np

from utkage.data.labels import AGE_COUNT, range_index
from utkage.evaluation.inputs.labelled_predictions import (
    LabelledPredictions,
    labelled_numbers,
    ranges_of,
)


def test_numbers_of_another_program(labelled_chips: Callable[..., object]) -> None:
    chips = labelled_chips(4)
    faces = labelled_numbers(chips, np.array([3.4, 4.6, -2, 300]), np.full(4, 0.2))  # type: ignore[arg-type]
    assert faces.range_index.tolist() == [0, 1, 0, 8]
    assert faces.gender.tolist() == [0] * 4


def test_ranges_of_every_age() -> None:
    ages = np.arange(AGE_COUNT)
    assert ranges_of(ages).tolist() == [range_index(age) for age in range(AGE_COUNT)]


def test_faces_of_some_ages(labelled_predictions_of: Callable[..., LabelledPredictions]) -> None:
    faces = labelled_predictions_of(200)
    found = faces.of_ages(21, 60)
    assert sorted(found.ages) == sorted(age for age in faces.ages if 21 <= age <= 60)
    assert set(found.intervals) == {0.8, 0.9}
