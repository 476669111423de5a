from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.robustness.corruption_errors import robustness_report
from utkage.evaluation.robustness.corruptions import (
    CORRUPTIONS,
    darkened,
    mirrored,
    occluded,
    shifted,
)
from utkage.exporting.parity import synthetic_chips
from utkage.models.card import Card
from utkage.prediction.predictions import Predictions

Chips = Callable[..., LabelledChips]


class BrightnessPredictor:
    """Reads the age off the brightness, as the drawn chips say it."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def predict_chips(self, chips: np.ndarray) -> Predictions:
        age = np.maximum(chips.mean(axis=(1, 2, 3)) - 35, 0) / 2
        count = len(chips)
        uniform = np.full((count, 117), 1 / 117)
        return Predictions(age, uniform, np.full((count, 9), 1 / 9), np.full(count, 0.7))


@pytest.mark.parametrize("factor", CORRUPTIONS, ids=lambda factor: str(factor.name))
def test_every_factor_keeps_the_form_and_grows(factor: object) -> None:
    chips = synthetic_chips(4, 160)
    before = chips.copy()
    distances = []
    for strength in factor.strengths:  # type: ignore[attr-defined]
        changed = factor.corrupt(chips, strength)  # type: ignore[attr-defined]
        assert changed.shape == chips.shape
        assert changed.dtype == np.uint8
        distances.append(float(np.abs(changed.astype(int) - chips).mean()))
        assert factor.format_strength(strength)  # type: ignore[attr-defined]
    assert min(distances) > 0
    if factor.name != "rotation":  # type: ignore[attr-defined]
        assert distances[-1] == max(distances)
    assert np.array_equal(chips, before), "the chips themselves stay"


def test_corruptions_known_by_hand() -> None:
    chips = synthetic_chips(2, 64)
    assert np.array_equal(mirrored(mirrored(chips, 1), 1), chips)
    assert np.array_equal(occluded(chips, 0.5)[:, :32], chips[:, :32])
    assert (occluded(chips, 0.5)[:, 32:] == 127).all()
    np.testing.assert_array_equal(shifted(chips, 0.25)[:, 20:, 20:], chips[:, 4:48, 4:48])
    assert (darkened(chips, 0.0) == 0).all()
    assert np.array_equal(darkened(chips, 1.0), chips)


def test_the_report_says_where_the_error_doubles(labelled_chips: Chips, card: Card) -> None:
    faces = labelled_chips(60, 64)
    predictor = BrightnessPredictor(card)
    report = robustness_report(predictor, faces, SilentReporter(), sample=40, resamples=100)
    assert report.n == 40
    by_name = {factor.name: factor for factor in report.factors}
    assert set(by_name) == {factor.name for factor in CORRUPTIONS}
    assert by_name["mirror"].levels[0].mae.value == pytest.approx(report.clean)
    assert by_name["mirror"].doubling == "does not double"
    dark = by_name["darkness"]
    values = [level.mae.value or 0.0 for level in dark.levels]
    assert values[-1] > 2 * report.clean
    first = next(i for i, value in enumerate(values) if value >= 2 * report.clean)
    assert dark.doubles_at == dark.levels[first].label
    assert report.to_dict()["factors"][0]["levels"][0]["mae"]["n"] == 40
    again = robustness_report(predictor, faces, SilentReporter(), sample=40, resamples=100)
    assert again == report
    assert {"range", "gender"} <= {group.axis for group in report.groups}
    for axis in ("range", "gender"):
        assert sum(group.n for group in report.groups if group.axis == axis) == 40
    stored = report.to_dict()["groups"][0]["corruptions"]
    assert [found["name"] for found in stored] == list(by_name)


def test_groups_of_further_columns_are_compared_where_faces_are_drawn(
    labelled_chips: Chips, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{robustness_report.__module__}.CORRUPTIONS", CORRUPTIONS[-1:])
    faces = labelled_chips(30, 64)
    glasses = tuple("yes" if number % 3 else "" for number in range(30))
    faces = replace(faces, attributes={"glasses": glasses, "hat": ("",) * 30})
    report = robustness_report(
        BrightnessPredictor(card),
        faces,
        SilentReporter(),
        resamples=100,
        group_by=("glasses", "hat", "glasses*gender"),
    )
    found = {group.label: group for group in report.groups}
    assert (found["glasses yes"].n, found["glasses yes"].small) == (20, True)
    crossed = [group.n for group in report.groups if group.axis == "glasses x gender"]
    assert sum(crossed) == 20
    # Nobody's hat is known.
    assert not any(group.axis == "hat" for group in report.groups)
