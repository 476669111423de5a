import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from utkage.core.errors import ConfigError, WeightsError
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.chip_graph import gender_probabilities, tempered

NARROW = tuple(level * 0.6 for level in LEVELS)
WIDE = tuple(min(1.0, level * 1.02) for level in LEVELS)


@pytest.fixture
def calibration() -> Calibration:
    bands = (AgeBand(0, 200, NARROW), AgeBand(20, 50, WIDE, pooled=True))
    return Calibration(
        gender_temperature=0.8,
        range_temperature=1.25,
        levels=LEVELS,
        bands=bands,
        fitted_on={"n": 250, "split": "val"},
    )


def test_cards_contain_calibrations(card: Card, calibration: Calibration) -> None:
    full = replace(card, calibration=calibration)
    assert Card.from_json(full.to_json(), "x") == full
    assert json.loads(full.to_json())["calibration"] == json.loads(
        json.dumps(calibration.to_json())
    )


def test_older_cards_have_no_calibration(card: Card) -> None:
    value = card.to_dict()
    del value["calibration"]
    assert Card.from_json(json.dumps(value), "x").calibration is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gender_temperature", 0),
        ("range_temperature", "warm"),
        ("levels", [0.5, 0.4]),
        ("bands", []),
        ("bands", [{"first": 0, "n": 5, "asked": [0.5]}]),
        ("fitted_on", 3),
    ],
)
def test_damaged_calibrations_are_refused(
    card: Card, calibration: Calibration, name: str, value: object
) -> None:
    damaged = {**calibration.to_json(), name: value}
    text = json.dumps({**card.to_dict(), "calibration": damaged})
    with pytest.raises(WeightsError, match="here: its card is damaged"):
        Card.from_json(text, "here")


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperatures_are_above_zero(calibration: Calibration, temperature: float) -> None:
    with pytest.raises(ConfigError, match="temperature"):
        replace(calibration, gender_temperature=temperature)


def test_bands_must_increase(calibration: Calibration) -> None:
    with pytest.raises(ConfigError, match="increase"):
        replace(calibration, bands=calibration.bands[::-1])
    with pytest.raises(ConfigError, match="one requested level"):
        replace(calibration, levels=(0.5,))


def test_the_band_selects_the_level(calibration: Calibration) -> None:
    ages = np.array([-1.0, 0.0, 19.99, 20.0, 110.0])
    assert calibration.band_of(ages).tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(
        calibration.requested_level(0.8, ages), [0.48, 0.48, 0.48, 0.816, 0.816], atol=1e-12
    )
    assert calibration.requested_level(0.8, np.empty(0)).shape == (0,)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 110))
def test_levels_nest_and_have_an_inverse(first: float, second: float, age: float) -> None:
    bands = (AgeBand(0, 9, NARROW), AgeBand(20, 9, (*NARROW[:-2], 1.0, 1.0)))
    calibration = Calibration(gender_temperature=1, range_temperature=1, levels=LEVELS, bands=bands)
    ages = np.array([age])
    low, high = sorted([first, second])
    levels = [float(calibration.requested_level(level, ages)[0]) for level in (low, high)]
    assert 0 <= levels[0] <= levels[1] <= 1
    if levels[0] < 0.999:
        assert calibration.nominal_coverage(levels[0], ages)[0] == pytest.approx(low, abs=1e-6)


def test_temperatures_of_probabilities(calibration: Calibration) -> None:
    logits = torch.tensor([-30.0, -2.0, 0.0, 0.5, 30.0])
    ranges = torch.softmax(torch.randn(5, 9, generator=torch.Generator().manual_seed(0)) * 3, dim=1)
    genders = gender_probabilities(logits)
    found, female = tempered(ranges, genders, calibration)
    torch.testing.assert_close(female, torch.sigmoid(logits / 0.8), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found, torch.softmax(ranges.log() / 1.25, dim=1))
    assert torch.equal(found.argmax(1), ranges.argmax(1))
    untouched, same = tempered(ranges, genders, None)
    assert torch.equal(untouched, ranges)
    assert torch.equal(same, genders[:, 1])


def test_certain_predictions_stay_finite() -> None:
    calibration = Calibration(
        gender_temperature=3.0, range_temperature=3.0, levels=LEVELS, bands=(AgeBand(0, 1, LEVELS),)
    )
    ranges, female = tempered(torch.eye(9)[:2], torch.tensor([[0.0, 1.0], [1.0, 0.0]]), calibration)
    assert bool(torch.isfinite(ranges).all())
    torch.testing.assert_close(ranges.sum(1), torch.ones(2))
    assert female.tolist() == pytest.approx([1, 0], abs=1e-3)


def test_no_torch_is_needed() -> None:
    code = "import utkage.models.calibration, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
