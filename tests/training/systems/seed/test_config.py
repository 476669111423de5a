"""Settings of the seed system."""

from __future__ import annotations

from dataclasses import replace

import pytest

from utkage.core.errors import ConfigError
from utkage.training.systems.seed.config import SeedConfig

CONFIG = SeedConfig(epochs=2, batch_size=8, size=32, gender_width=1 / 64)


def test_probability_of_true_ranges() -> None:
    config = replace(CONFIG, epochs=10, range_feed="decay")
    shares = [config.true_range_probability(epoch) for epoch in range(10)]
    assert shares == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0, 0, 0, 0, 0])
    assert replace(config, range_feed="true").true_range_probability(9) == 1.0
    assert replace(config, range_feed="predicted").true_range_probability(0) == 0.0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": 31}, "^size is 31; it must be at least 32"),
        ({"gender_width": 0.0}, "gender_width is 0.0"),
        ({"range_rate": 1.0}, "range_rate is 1.0"),
        ({"range_feed": "both"}, "range_feed is both; it must be predicted, true, decay"),
        ({"select_by": "macro_mae"}, "select_by is macro_mae; it must be mae for the seed system"),
        ({"select_by": "best"}, "select_by is best; it must be mae, macro_mae, worst_mae"),
        ({"epochs": 0}, "epochs is 0"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        replace(CONFIG, **changes)  # type: ignore[arg-type]
