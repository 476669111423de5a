from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utkage.data.labels import AGE_COUNT
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.label_audit.label_errors import (
    AGE_LABEL,
    GENDER_LABEL,
    SHARE_BOUNDS,
    label_errors,
    wrong_probabilities,
)
from utkage.prediction.predictions import Predictions

FACES, PLANTED = 2000, 40


def drawn(spread: float = 5.0, seed: int = 0) -> tuple[LabelledPredictions, np.ndarray]:
    """Faces whose prediction is right within ``spread`` years, some with planted wrong labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 90, FACES)
    centre = truth + rng.normal(0, spread, FACES)
    years = np.arange(AGE_COUNT)
    mass = np.exp(-0.5 * ((years - centre[:, None]) / spread) ** 2) + 1e-9
    distribution = mass / mass.sum(axis=1, keepdims=True)
    p_female = rng.beta(0.02, 0.02, FACES)
    women = (rng.random(FACES) < p_female).astype(np.int64)
    ages, genders = truth.copy(), women.copy()
    planted = rng.choice(FACES, PLANTED, replace=False)
    ages[planted] = rng.permutation(truth)[:PLANTED]
    genders[planted] = 1 - genders[planted]
    predictions = Predictions(centre, distribution, np.full((FACES, 9), 1 / 9), p_female)
    faces = LabelledPredictions(
        sources=("made",) * FACES,
        names=tuple(f"{index}.jpg" for index in range(FACES)),
        groups=np.arange(FACES),
        ages=ages,
        genders=genders,
        races=np.full(FACES, -1),
        age=centre,
        p_female=predictions.p_female,
        range_index=np.zeros(FACES, dtype=np.int64),
        predictions=predictions,
    )
    far = planted[np.abs(ages - truth)[planted] > 25]
    return faces, far


def by_label(faces: LabelledPredictions) -> dict[str, np.ndarray]:
    return {found.label: found.probability for found in label_errors(faces)}


def test_planted_ages_that_are_far_off_come_first() -> None:
    faces, far = drawn()
    order = np.argsort(-by_label(faces)[AGE_LABEL])
    assert set(far) <= set(order[: len(far) + 8])


def test_planted_genders_come_first() -> None:
    faces, _ = drawn()
    truth = (faces.p_female >= 0.5).astype(int) != faces.genders
    order = np.argsort(-by_label(faces)[GENDER_LABEL])
    assert truth[order[:PLANTED]].mean() > 0.95


def test_the_share_of_wrong_labels_is_estimated() -> None:
    faces, _ = drawn()
    shares = {found.label: found.share for found in label_errors(faces)}
    assert shares[GENDER_LABEL] == pytest.approx(PLANTED / FACES, abs=0.008)
    # A wrong age near the true one is not noticed.
    assert 0.3 * PLANTED / FACES < shares[AGE_LABEL] < 1.2 * PLANTED / FACES


def test_right_labels_are_hardly_suspected() -> None:
    faces, _ = drawn()
    truth = replace(faces, ages=np.rint(faces.age).clip(0, 116).astype(np.int64))
    assert by_label(truth)[AGE_LABEL].max() < 0.5


def test_a_range_is_wrong_only_if_the_prediction_lies_outside() -> None:
    faces, _ = drawn()
    spans = np.stack([faces.ages, np.minimum(faces.ages + 9, 116)], axis=1)
    spans[0], spans[1] = (20, 29), (20, 29)
    distribution = faces.predictions.age_distribution.copy()  # type: ignore[union-attr]
    distribution[:2] = 0
    distribution[0, 25] = distribution[1, 75] = 1
    predictions = replace(faces.predictions, age_distribution=distribution)  # type: ignore[type-var]
    ranged = replace(faces, ages=np.full(FACES, -1), age_ranges=spans, predictions=predictions)
    found = by_label(ranged)[AGE_LABEL]
    assert found[0] < 0.01
    assert found[1] > 0.9


def test_ages_without_probabilities_are_ranked_by_their_error() -> None:
    faces, far = drawn()
    found = by_label(replace(faces, predictions=None))
    order = np.argsort(-found[AGE_LABEL])
    assert set(far) <= set(order[: 2 * PLANTED])


def test_unknown_labels_are_in_no_list() -> None:
    faces, _ = drawn()
    unknown = replace(faces, ages=np.full(FACES, -1), genders=np.full(FACES, -1))
    assert label_errors(unknown) == ()
    some = faces.genders.copy()
    some[5] = -1
    assert np.isnan(by_label(replace(faces, genders=some))[GENDER_LABEL][5])


def test_genders_given_as_words_have_no_probability() -> None:
    faces, _ = drawn()
    words = replace(faces, predictions=None, gender_is_hard=True, p_female=np.rint(faces.p_female))
    assert GENDER_LABEL not in by_label(words)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.001, 1))
def test_probabilities_are_ordered_by_the_ratio(likelihoods: list[float], if_wrong: float) -> None:
    likely = np.array(likelihoods)
    found, share = wrong_probabilities(likely, np.full(len(likely), if_wrong))
    assert ((found >= 0) & (found <= 1)).all()
    assert SHARE_BOUNDS[0] <= share <= SHARE_BOUNDS[1]
    order = np.argsort(likely, kind="stable")
    assert (np.diff(found[order]) <= 1e-12).all()


def test_the_slow_twin_agrees() -> None:
    given, if_wrong = np.array([0.2, 0.0, 0.6, 0.9]), np.array([0.1, 0.1, 0.3, 0.1])
    found, share = wrong_probabilities(given, if_wrong)
    for probability, likely, chance in zip(found, given, if_wrong, strict=True):
        wrong, right = share * chance, (1 - share) * max(likely, 1e-12)
        assert probability == pytest.approx(wrong / (wrong + right), abs=1e-6)
    assert share == pytest.approx(found.mean(), abs=1e-6)
