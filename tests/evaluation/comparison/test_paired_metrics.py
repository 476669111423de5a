from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from utkage.evaluation.comparison.paired_metrics import compare_predictions, mcnemar
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.reports.tables import comparison_table

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_the_exact_test_against_the_binomial() -> None:
    first = np.array([True] * 12 + [False] * 4 + [True] * 50)
    second = np.array([False] * 12 + [True] * 4 + [True] * 50)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (12, 4)
    assert found.p_value == pytest.approx(2 * binom.cdf(4, 16, 0.5))
    assert mcnemar(first, first).p_value == 1


def test_pairing_sees_what_single_intervals_do_not(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    first = labelled_predictions_of(300)
    # Every error a little smaller: tiny beside the spread over faces, yet sure.
    second = replace(first, age=first.ages + (first.age - first.ages) * 0.95)
    bootstrap = Bootstrap.draw(first.groups, 500)
    found = compare_predictions(("a", "b"), first, second, bootstrap)
    difference = found.differences["mae"]
    assert difference.value is not None
    assert difference.high is not None
    assert difference.high < 0
    ours, theirs = found.values["mae"]
    assert ours is not None
    assert theirs is not None
    assert difference.value == pytest.approx(theirs - ours)
    assert found.differences["gender_accuracy"].value == 0
    assert found.gender.p_value == 1
    assert "exact McNemar test p = 1" in comparison_table(found).note
    assert found.to_dict()["figures"]["mae"]["first"] == pytest.approx(ours, abs=1e-4)


def test_a_predictor_of_ages_alone_is_compared_on_the_ages_of_both(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    first = labelled_predictions_of(60)
    age = first.age.copy()
    age[:20] = np.nan
    second = replace(first, age=age, p_female=np.full(60, np.nan), predictions=None)
    found = compare_predictions(("a", "b"), first, second, Bootstrap.draw(first.groups, 50))
    assert found.values["mae"][0] == pytest.approx(found.values["mae"][1])
    assert found.values["mae"][0] == pytest.approx(np.abs(first.age - first.ages)[20:].mean())
    assert "gender_accuracy" not in found.differences
    assert (found.gender.only_first, found.gender.only_second) == (0, 0)
    # A test of no gender says nothing.
    assert comparison_table(found).note == ""


def test_other_faces_cannot_be_compared(labelled_predictions_of: LabelledPredictionsOf) -> None:
    first = labelled_predictions_of(20)
    other = replace(first, names=first.names[::-1])
    with pytest.raises(ValueError, match="same faces"):
        compare_predictions(("a", "b"), first, other, Bootstrap.draw(first.groups, 5))
