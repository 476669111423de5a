from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools.release.ship import widened, with_gender_shift
from utkage.core.errors import DataError
from utkage.models.calibration import AgeBand, Calibration
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import load_weights

LEVELS = (0.5, 0.9)
OWN = Calibration(
    gender_temperature=1.0,
    range_temperature=1.0,
    levels=LEVELS,
    bands=(AgeBand(0.0, 200, (0.5, 0.9)), AgeBand(30.0, 300, (0.4, 0.99))),
)


def left_out(path: Path, bands: tuple[float, ...] = (0.0, 30.0)) -> Path:
    sources = {"A": [[0.7, 0.95], [0.5, 0.9]], "B": [[0.6, 0.98], [0.6, 0.92]]}
    found = {
        "bands": bands,
        "levels": LEVELS,
        "left_out": {name: {"requested": levels} for name, levels in sources.items()},
    }
    path.write_text(json.dumps(found))
    return path


def test_a_gender_shift_changes_one_bias_and_is_in_the_lineage() -> None:
    weights = load_weights(shipped_weights())
    shifted, vectors = with_gender_shift(weights, 0.25)
    assert list(vectors) == ["gender.bias"]
    assert float(shifted.state["gender.bias"] - weights.state["gender.bias"]) == pytest.approx(0.25)
    assert shifted.card.lineage == (*weights.card.lineage, "0.25 added to the logit of P(female)")
    assert all(
        shifted.state[name] is tensor
        for name, tensor in weights.state.items()
        if name != "gender.bias"
    )


def test_levels_lie_half_way_to_the_widest_left_out_source(tmp_path: Path) -> None:
    found = widened(OWN, left_out(tmp_path / "levels.json"))
    assert found.bands[0].requested == pytest.approx((0.6, 0.94))
    # Levels that are wider already stay.
    assert found.bands[1].requested == pytest.approx((0.5, 0.99))
    assert (found.bands[1].n, found.bands[1].first) == (300, 30.0)
    assert found.fitted_on["levels"] == "levels half way to those of left-out sources"


def test_levels_of_other_bands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="other bands"):
        widened(OWN, left_out(tmp_path / "levels.json", (0.0, 40.0)))
    with pytest.raises(DataError, match="other bands"):
        widened(replace(OWN, levels=(0.5, 0.8)), left_out(tmp_path / "levels.json"))
