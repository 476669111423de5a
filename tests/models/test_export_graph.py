from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from utkage.core.errors import ConfigError
from utkage.exporting.parity import synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.chip_graph import ChipOutputs
from utkage.models.export_graph import ExportGraph
from utkage.prediction.predictions import Predictions

BANDS = (
    AgeBand(0, 50, tuple(level / 2 for level in LEVELS)),
    AgeBand(30, 50, LEVELS),
    AgeBand(60, 50, tuple(level**0.5 for level in LEVELS)),
)


class FromPixels(nn.Module):
    """Predictions that follow from the first pixel of each chip, ages of every band among them."""

    def forward(self, chips: Tensor) -> ChipOutputs:
        middle = chips[:, 0, 0, :1].float() / 255 * 116
        years = torch.arange(117)
        distribution = torch.softmax(-((years - middle) ** 2) / 60, dim=1)
        ranges = torch.softmax(middle * torch.arange(9), dim=1)
        return ChipOutputs(middle[:, 0], distribution, ranges, middle[:, 0] / 116)


@pytest.mark.parametrize(
    "calibration",
    [None, Calibration(gender_temperature=1.0, range_temperature=1.0, levels=LEVELS, bands=BANDS)],
)
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_the_interval_equals_that_of_predictions(
    card: Card, calibration: Calibration | None, level: float
) -> None:
    card = replace(card, calibration=calibration)
    chips = np.zeros((256, 64, 64, 3), np.uint8)
    chips[:, 0, 0, 0] = np.arange(256)
    with torch.inference_mode():
        found = ExportGraph(FromPixels(), card, interval=level)(torch.from_numpy(chips))
        inner = FromPixels()(torch.from_numpy(chips))
    columns = (values.double().numpy() for values in inner)
    low, high = Predictions(*columns, calibration=calibration).age_interval(level)
    np.testing.assert_allclose(found.age_low.numpy(), low, atol=1e-3)
    np.testing.assert_allclose(found.age_high.numpy(), high, atol=1e-3)


class Whole(nn.Module):
    """Keeps what it was given."""

    def forward(self, chips: Tensor) -> ChipOutputs:
        self.chips = chips
        return FromPixels()(chips)


@pytest.mark.parametrize("shape", [(64, 64), (200, 200), (120, 90), (40, 40)])
def test_any_size_is_resized_like_pillow(card: Card, shape: tuple[int, int]) -> None:
    chip = np.asarray(Image.fromarray(synthetic_chips(1, 200)[0]).resize(shape[::-1]))
    whole = Whole()
    graph = ExportGraph(whole, card, interval=0.8, any_size=True)
    graph(torch.from_numpy(chip.copy())[None])
    side = card.contract.size
    expected = Image.fromarray(chip).resize((side, side), Image.Resampling.BILINEAR)
    difference = np.abs(whole.chips[0].numpy() - np.asarray(expected).astype(float))
    # Pillow rounds between its two passes and behind them.
    assert difference.max() <= 2
    assert difference.mean() < 0.6


def test_impossible_levels_are_refused(card: Card) -> None:
    with pytest.raises(ConfigError, match="interval level 1"):
        ExportGraph(FromPixels(), card, interval=1)
