from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.support.chip_fixtures import Chips

from utkage.core.errors import ConfigError
from utkage.data.chips import LabelledChips
from utkage.training.batches import Targets
from utkage.training.config import TrainConfig
from utkage.training.logit_adjustment import source_offsets
from utkage.training.losses import soft_age_labels
from utkage.training.objective import objective_of

YEARS = 117


def two_sources(make: Chips, young: int = 30, old: int = 10) -> LabelledChips:
    ages = np.array([20] * young + [60] * old)
    faces = make(young + old)
    return replace(faces, ages=ages, sources=("young",) * young + ("old",) * old)


def test_offsets_are_the_log_ratio_of_source_and_split(labelled_chips: Chips) -> None:
    faces, config = two_sources(labelled_chips), TrainConfig(logit_adjustment=0.5)
    offsets = source_offsets(config, faces)
    assert offsets is not None
    labels = soft_age_labels(torch.from_numpy(faces.ages), YEARS, 1.0, 0.05, 4.0)
    overall = torch.log(labels.mean(0) + 1e-4)
    expected = 0.5 * (torch.log(labels[0] + 1e-4) - overall)
    assert offsets.by_source.shape == (2, YEARS)
    young, old = (offsets.by_source[offsets.sources[face]] for face in (0, -1))
    torch.testing.assert_close(young, expected)
    assert float(young[20]) == pytest.approx(0.5 * np.log(4 / 3), abs=0.01)
    assert float(old[60]) == pytest.approx(0.5 * np.log(4), abs=0.01)
    assert float(young[60]) < -1
    assert offsets.sources.bincount().tolist() == [10, 30], "by name: old, young"


def test_no_offsets_without_adjustment_or_with_one_source(labelled_chips: Chips) -> None:
    faces = two_sources(labelled_chips)
    assert source_offsets(TrainConfig(), faces) is None
    same = replace(faces, sources=("one",) * len(faces))
    assert source_offsets(TrainConfig(logit_adjustment=1.0), same) is None


def test_the_distribution_of_the_split_has_the_least_loss(labelled_chips: Chips) -> None:
    faces, config = two_sources(labelled_chips), TrainConfig(logit_adjustment=1.0, l1_weight=0.0)
    labels = soft_age_labels(torch.from_numpy(faces.ages), YEARS, 1.0, 0.05, 4.0)
    split = torch.log(labels.mean(0) + 1e-4).expand(len(faces), YEARS)
    ages, genders = torch.from_numpy(faces.ages), torch.from_numpy(faces.genders)
    offsets = source_offsets(config, faces)
    assert offsets is not None
    targets = Targets(ages, genders, sources=offsets.sources)
    outputs = torch.zeros(len(faces))
    objective = objective_of(config, source_offsets=offsets.by_source)
    own = objective((split, outputs), targets)
    for shift in (-10, 10):
        other = torch.log(labels.mean(0).roll(shift) + 1e-4).expand(len(faces), YEARS)
        assert float(objective((other, outputs), targets)) > float(own)
    gender_only = objective_of(config)((split, outputs), targets) - own
    assert float(gender_only) > 0.1


def test_losses_without_one_logit_per_year_are_refused() -> None:
    with pytest.raises(ConfigError, match="logit_adjustment"):
        TrainConfig(logit_adjustment=0.5, age_loss="coral")
