"""Losses of groups against slow twins that compute every mean and every resample on their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.evaluation.groups.axes import Axis, single_axes
from utkage.evaluation.groups.group_metrics import COMPARABLE, SMALL
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate
from utkage.evaluation.robustness.group_losses import (
    GroupLoss,
    Loss,
    losses_by_group,
    worst_first,
)

LabelledPredictionsOf = Callable[..., LabelledPredictions]
RESAMPLES = 60


@pytest.fixture(scope="module")
def clean(labelled_predictions_of: LabelledPredictionsOf) -> LabelledPredictions:
    return labelled_predictions_of(140, 1)


@pytest.fixture(scope="module")
def corrupted(clean: LabelledPredictions) -> dict[str, list[LabelledPredictions]]:
    """Predictions that get worse, for women and in darkness most."""
    random = np.random.default_rng(2)

    def worse(strength: float) -> LabelledPredictions:
        years = strength * (1 + 3 * clean.genders)
        moved = clean.age + years * random.choice([-1, 1], len(clean))
        flipped = random.random(len(clean)) < strength / 20
        female = np.where(flipped, 1 - clean.p_female, clean.p_female)
        return replace(clean, age=moved, p_female=female)

    return {"blur": [worse(1), worse(3)], "dark": [worse(2), worse(4), worse(8)]}


@pytest.fixture(scope="module")
def groups(
    clean: LabelledPredictions, corrupted: dict[str, list[LabelledPredictions]]
) -> tuple[GroupLoss, ...]:
    axes = single_axes(clean)
    bootstrap = Bootstrap.draw(clean.groups, RESAMPLES, 3)
    chosen = [axes["gender"], axes["range"]]
    return losses_by_group(clean, corrupted, chosen, bootstrap)


def of(groups: tuple[GroupLoss, ...], name: str) -> GroupLoss:
    (found,) = (group for group in groups if group.name == name)
    return found


def mean_of(faces: LabelledPredictions, rows: list[int], kind: str) -> float:
    """MAE in years or gender accuracy, face by face."""
    total = 0.0
    for row in rows:
        if kind == "age":
            total += abs(faces.age[row] - faces.ages[row])
        else:
            total += float((faces.p_female[row] >= 0.5) == bool(faces.genders[row]))
    return total / len(rows)


def slow_rise(
    clean: LabelledPredictions, levels: list[LabelledPredictions], rows: list[int]
) -> float:
    return float(
        np.mean([mean_of(level, rows, "age") - mean_of(clean, rows, "age") for level in levels])
    )


def slow_interval(
    clean: LabelledPredictions,
    levels: list[LabelledPredictions],
    rows: list[int],
    *,
    beyond_all: bool,
) -> tuple[float, float]:
    """Ends of the interval from resamples that repeat each face as often as it was drawn."""
    drawn = []
    for counts in Bootstrap.draw(clean.groups, RESAMPLES, 3).counts:
        repeated = [row for row in range(len(clean)) for _ in range(counts[row])]
        value = slow_rise(clean, levels, [row for row in repeated if row in rows])
        if beyond_all:
            value -= slow_rise(clean, levels, repeated)
        drawn.append(value)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("gender", ["female", "male"])
@pytest.mark.parametrize("corruption", ["blur", "dark"])
def test_values_are_those_of_the_slow_twin(
    clean: LabelledPredictions,
    corrupted: dict[str, list[LabelledPredictions]],
    groups: tuple[GroupLoss, ...],
    gender: str,
    corruption: str,
) -> None:
    group = of(groups, gender)
    rows = [row for row in range(len(clean)) if clean.gender_text(row) == gender]
    everyone = list(range(len(clean)))
    levels = corrupted[corruption]
    (found,) = (own for own in group.corruptions if own.name == corruption)
    assert group.n == len(rows)
    for level, own in zip(levels, found.levels, strict=True):
        rise = mean_of(level, rows, "age") - mean_of(clean, rows, "age")
        lost = mean_of(clean, rows, "gender") - mean_of(level, rows, "gender")
        assert own.mae_rise.value == pytest.approx(rise)
        assert own.gender_loss.value == pytest.approx(lost)
        assert own.excess_rise is None
    rise = slow_rise(clean, levels, rows)
    assert found.mean.mae_rise.value == pytest.approx(rise)
    assert found.mean.excess_rise is not None
    beyond = rise - slow_rise(clean, levels, everyone)
    assert found.mean.excess_rise.value == pytest.approx(beyond)
    assert (found.mean.mae_rise.n, found.mean.excess_rise.n) == (len(rows), len(rows))


def test_the_mean_of_all_corruptions_weighs_them_alike(groups: tuple[GroupLoss, ...]) -> None:
    for group in groups:
        rises = [found.mean.mae_rise.value or 0.0 for found in group.corruptions]
        assert group.mean.mae_rise.value == pytest.approx(np.mean(rises))


def test_intervals_resample_the_same_faces_with_and_without(
    clean: LabelledPredictions,
    corrupted: dict[str, list[LabelledPredictions]],
    groups: tuple[GroupLoss, ...],
) -> None:
    rows = [row for row in range(len(clean)) if clean.genders[row] == 1]
    (found,) = (own for own in of(groups, "female").corruptions if own.name == "dark")
    levels = corrupted["dark"]
    rise, beyond = found.mean.mae_rise, found.mean.excess_rise
    assert beyond is not None
    expected = slow_interval(clean, levels, rows, beyond_all=False)
    assert (rise.low, rise.high) == pytest.approx(expected, abs=1e-4)
    expected = slow_interval(clean, levels, rows, beyond_all=True)
    assert (beyond.low, beyond.high) == pytest.approx(expected, abs=1e-4)
    # Women lose more by construction, far beyond chance.
    assert (beyond.low or 0) > 0


def test_a_corruption_that_changes_nothing_costs_nothing(clean: LabelledPredictions) -> None:
    axes = [single_axes(clean)["gender"]]
    bootstrap = Bootstrap.draw(clean.groups, RESAMPLES)
    for group in losses_by_group(clean, {"mirror": [clean, clean]}, axes, bootstrap):
        for found in (group.mean, group.corruptions[0].mean, *group.corruptions[0].levels):
            assert (found.mae_rise.value, found.mae_rise.low, found.mae_rise.high) == (0, 0, 0)
            assert found.gender_loss.value == 0


def test_faces_of_unknown_group_are_in_no_group_but_among_all(
    clean: LabelledPredictions, corrupted: dict[str, list[LabelledPredictions]]
) -> None:
    index = np.full(len(clean), -1, dtype=np.int64)
    index[:20] = 0
    axis = Axis("glasses", ("yes", "no"), index)
    bootstrap = Bootstrap.draw(clean.groups, RESAMPLES)
    (group,) = losses_by_group(clean, corrupted, [axis], bootstrap)
    assert (group.label, group.n, group.small) == ("glasses yes", 20, SMALL > 20)
    everyone = slow_rise(clean, corrupted["blur"], list(range(len(clean))))
    own = slow_rise(clean, corrupted["blur"], list(range(20)))
    assert group.corruptions[0].mean.excess_rise is not None
    assert group.corruptions[0].mean.excess_rise.value == pytest.approx(own - everyone)


def made_group(name: str, n: int, excess: float) -> GroupLoss:
    nothing = Estimate(0.0, 0.0, 0.0, n)
    found = Estimate(excess, excess - 1, excess + 1, n)
    loss = Loss(mae_rise=found, excess_rise=found, gender_loss=nothing)
    return GroupLoss(axis="race", name=name, n=n, mean=loss, corruptions=())


def test_the_ranking_puts_groups_of_few_faces_last() -> None:
    given = [
        made_group("some", COMPARABLE, 1.0),
        made_group("few", COMPARABLE - 1, 9.0),
        made_group("most", 500, 2.0),
    ]
    assert [line.group.name for line in worst_first(given)] == ["most", "some", "few"]


def test_json_has_every_strength(groups: tuple[GroupLoss, ...]) -> None:
    found = of(groups, "female").to_dict()
    assert list(found) == ["axis", "name", "n", "small", "mean", "corruptions"]
    assert [len(own["levels"]) for own in found["corruptions"]] == [2, 3]
    assert set(found["mean"]) == {"mae_rise", "excess_rise", "gender_loss"}
    assert set(found["corruptions"][0]["levels"][0]) == {"mae_rise", "gender_loss"}
