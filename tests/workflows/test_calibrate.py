"""What calibration does to weights before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from utkage.core.errors import WeightsError
from utkage.models.locate import shipped_weights
from utkage.models.weights import load_weights
from utkage.workflows.calibrate import with_age_prior


@pytest.mark.parametrize("changes", [{"age_head": "coral"}, {"system": "seed"}])
def test_an_age_prior_needs_a_softmax(changes: dict[str, Any]) -> None:
    weights = load_weights(shipped_weights())
    other = replace(weights, card=replace(weights.card, **changes))
    with pytest.raises(WeightsError, match=r"here: an age prior needs .* leave --age-prior out"):
        with_age_prior(other, cast("Any", None), "here")
