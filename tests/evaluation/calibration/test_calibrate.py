"""What calibration does to weights before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from utkage.core.errors import WeightsError
from utkage.evaluation.calibration.calibrate import with_age_prior
from utkage.models.locate import shipped_weights
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.models.weights import RANGE_BIAS
from utkage.models.weights_files import load_weights


def test_an_age_prior_needs_a_softmax() -> None:
    weights = load_weights(shipped_weights())
    other = replace(weights, card=replace(weights.card, age_head="coral"))
    with pytest.raises(WeightsError, match=r"here: an age prior needs .* leave `age_prior` out"):
        with_age_prior(other, cast("Any", None), "here")


def test_the_bias_of_ranges_is_where_it_is_said_to_be() -> None:
    system = SeedSystem(VggFace(32, 0.02), AgeRangeNet(), AgeEstimationNet())
    assert system.state_dict()[RANGE_BIAS].shape == (9,)
    images = torch.rand(2, 3, 32, 32) * 255
    with torch.no_grad():
        before = system.eval()(images).ranges
        system.state_dict()[RANGE_BIAS].add_(torch.arange(9.0))
        after = system(images).ranges
    torch.testing.assert_close(after, before + torch.arange(9.0))
