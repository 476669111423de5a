"""Wider intervals for flagged faces: the levels, their file, and rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import WeightsError
from utkage.data.labels import AGE_COUNT
from utkage.prediction.predictions import Predictions
from utkage.prediction.rows import RowOptions, prediction_columns
from utkage.prediction.wider_intervals import WiderIntervals, shipped_wider_intervals

WIDER = WiderIntervals((0.5, 0.8), {"covered": (0.7, 0.95), "unusual": (0.6, 0.99)}, {"n": 3})


def predictions(count: int) -> Predictions:
    distribution = np.exp(-0.5 * ((np.arange(AGE_COUNT) - 40.0) / 6) ** 2)
    ages = np.tile(distribution / distribution.sum(), (count, 1))
    return Predictions(np.full(count, 40.0), ages, np.full((count, 9), 1 / 9), np.full(count, 0.6))


def test_levels_are_those_of_the_widest_flag() -> None:
    assert WIDER.level(0.8, ()) == 0.8
    assert WIDER.level(0.8, ("small", "blurred")) == 0.8
    assert WIDER.level(0.8, ("covered",)) == 0.95
    assert WIDER.level(0.8, ("covered", "small", "unusual")) == 0.99
    assert WIDER.level(0.5, ("covered", "unusual")) == 0.7
    assert WIDER.level(0.65, ("covered",)) == pytest.approx(0.825)


def test_probabilities_agree_with_the_wider_intervals() -> None:
    found = predictions(1)
    for age in (20, 33, 39, 45, 60):
        likely = float(found.probability_at_least(age)[0])
        wider = WIDER.probability(likely, ("covered",))
        assert abs(wider - 0.5) <= abs(likely - 0.5)
        assert WIDER.probability(likely, ("small",)) == pytest.approx(likely)
        for level in (0.3, 0.5, 0.7, 0.8, 0.9):
            low, high = found.age_interval(WIDER.level(level, ("covered",)))
            assert (wider >= (1 + level) / 2) == (low[0] >= age - 0.5)
            assert (wider <= (1 - level) / 2) == (high[0] <= age - 0.5)


def test_rows_of_flagged_faces_have_wider_intervals() -> None:
    options = RowOptions(threshold=30)
    flags = [(), ("covered",), ("unusual",), ("small",)]
    plain, covered, unusual, small = prediction_columns(predictions(4), options, flags)
    for wider in (covered, unusual):
        assert wider["age_low"] < plain["age_low"] < plain["age_high"] < wider["age_high"]
        assert 0.5 < wider["p_at_least"] < plain["p_at_least"]
        assert wider["age"] == plain["age"]
        assert wider["interval_level"] == plain["interval_level"]
    assert small == plain
    assert prediction_columns(predictions(4), options)[1] == plain


def test_the_shipped_levels_are_wider_everywhere() -> None:
    shipped = shipped_wider_intervals()
    assert set(shipped.requested) == {"covered", "unusual"}
    for flag in shipped.requested:
        curve = [shipped.level(level, (flag,)) for level in np.linspace(0, 1, 41)]
        assert curve == sorted(curve)
        assert all(own >= level for own, level in zip(curve, np.linspace(0, 1, 41), strict=True))
        assert shipped.level(0.8, (flag,)) > 0.82
    assert {"n", "mae", "weights", "date"} <= set(shipped.measured_on)


def test_a_file_keeps_the_levels(tmp_path: Path) -> None:
    WIDER.save(tmp_path / "wider.json")
    assert WiderIntervals.open(tmp_path / "wider.json") == WIDER


@pytest.mark.parametrize(
    "text", ["", "[]", '{"levels": [0.5]}', '{"levels": [0.5], "requested": 1}']
)
def test_a_damaged_file_is_one_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wider.json"
    path.write_text(text)
    with pytest.raises(WeightsError, match=r"wider\.json: the levels of wider intervals"):
        WiderIntervals.open(path)
