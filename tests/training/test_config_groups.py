from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields

import pytest

from utkage.core.errors import ConfigError
from utkage.core.setting_checks import LARGEST_SEED
from utkage.training.config import TrainConfig
from utkage.training.config_groups import (
    LossConfig,
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    ScheduleConfig,
)

GROUPS = (RunConfig, ModelConfig, OptimiserConfig, ScheduleConfig, LossConfig)


def test_every_setting_belongs_to_one_group() -> None:
    names = Counter(field.name for group in GROUPS for field in fields(group))
    assert set(names.values()) == {1}
    assert set(names) == {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize(
    ("group", "wrong", "message"),
    [
        (RunConfig, {"keep_checkpoints": 0}, "keep_checkpoints is 0; it must be at least 1"),
        (RunConfig, {"seed": LARGEST_SEED + 1}, "seed is 2147483648"),
        (RunConfig, {"select_by": "cs5"}, "select_by is cs5; it must be mae, macro_mae"),
        (ModelConfig, {"margin": 0.6}, "margin is 0.6; it must be at least 0 and at most 0.5"),
        (ModelConfig, {"sizes": (32, 1024)}, "sizes from 32 to 512 pixels"),
        (OptimiserConfig, {"precision": "fp8"}, "precision is fp8"),
        (OptimiserConfig, {"learning_rate": 1.0}, "above 0 and below 1"),
        (ScheduleConfig, {"schedule": "linear"}, "schedule is linear"),
        (ScheduleConfig, {"plateau_factor": 1.0}, "plateau_factor is 1.0"),
        (LossConfig, {"sigma_base": 5.0}, "sigma_max is 4.0; it must be at least 5.0"),
        (LossConfig, {"logit_adjustment": 1.5}, "logit_adjustment is 1.5"),
    ],
)
def test_each_group_checks_its_settings(
    group: type, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        group(**wrong)


def test_a_training_is_finished_after_its_epochs() -> None:
    config = RunConfig(epochs=3)
    assert [config.is_finished([5.0] * done) for done in range(5)] == [False] * 3 + [True] * 2


def test_the_dictionary_is_json() -> None:
    config = RunConfig(epochs=7, seed=3)
    stored = json.loads(json.dumps(config.to_dict()))
    assert stored["epochs"] == 7
    assert RunConfig(**stored) == config
