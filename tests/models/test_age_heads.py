import math

import numpy as np
import pytest
import torch

from utkage.core.errors import ConfigError
from utkage.models import card
from utkage.models.age_heads import (
    AGE_HEADS,
    coral_distribution,
    corn_distribution,
    get_age_head,
)
from utkage.models.chip_graph import whole_year_median
from utkage.models.multitask import HIDDEN, MultiTaskNet


def logits(count: int, thresholds: int = 116, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 3, (count, thresholds)))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_cards_allow_every_head() -> None:
    assert tuple(AGE_HEADS) == card.AGE_HEADS
    with pytest.raises(ConfigError, match="'rank'; choose one of softmax, coral, corn"):
        get_age_head("rank")


@pytest.mark.parametrize("name", AGE_HEADS)
@pytest.mark.parametrize("reach", [1.0, 1000.0])
def test_outputs_become_distributions(name: str, reach: float) -> None:
    head = AGE_HEADS[name]
    outputs = head.build(HIDDEN)(torch.randn(6, HIDDEN, generator=torch.Generator().manual_seed(0)))
    distribution = head.distribution(outputs * reach)
    assert distribution.shape == (6, 117)
    assert bool((distribution >= 0).all())
    torch.testing.assert_close(distribution.sum(1), torch.ones(6))


@pytest.mark.parametrize("name", ["coral", "corn"])
def test_initial_thresholds_make_all_years_equally_probable(name: str) -> None:
    head = AGE_HEADS[name]
    distribution = head.distribution(head.build(8)(torch.zeros(1, 8)))
    torch.testing.assert_close(distribution, torch.full((1, 117), 1 / 117), atol=1e-6, rtol=0)


def test_coral_equals_a_slow_reference() -> None:
    # Falling thresholds, as trained ones are.
    values = torch.sort(logits(4), dim=1, descending=True).values
    for row, found in zip(values.tolist(), coral_distribution(values).tolist(), strict=True):
        above = [1.0, *(sigmoid(value) for value in row), 0.0]
        expected = [above[year] - above[year + 1] for year in range(117)]
        assert found == pytest.approx(expected, abs=1e-12)


def test_coral_sorts_thresholds_that_cross() -> None:
    found = coral_distribution(torch.tensor([[0.0, 2.0, -1.0]], dtype=torch.float64))[0].tolist()
    first, second, third = sigmoid(2), sigmoid(0), sigmoid(-1)
    assert found == pytest.approx([1 - first, first - second, second - third, third])


def test_corn_equals_a_slow_reference() -> None:
    values = logits(4)
    for row, found in zip(values.tolist(), corn_distribution(values).tolist(), strict=True):
        above = [1.0]
        for value in row:
            above.append(above[-1] * sigmoid(value))
        above.append(0.0)
        expected = [above[year] - above[year + 1] for year in range(117)]
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["coral", "corn"])
def test_the_whole_year_median_is_the_rank_of_the_papers(name: str) -> None:
    # They count the thresholds that are passed with more than one half.
    values = torch.sort(logits(50) + 1, dim=1, descending=True).values
    distribution = AGE_HEADS[name].distribution(values)
    passed = torch.sigmoid(values)
    if name == "corn":
        passed = torch.cumprod(passed, dim=1)
    rank = (passed > 0.5).sum(1)
    assert len(rank.unique()) > 3
    assert torch.equal(whole_year_median(distribution).long(), rank)


def test_coral_shares_its_weights() -> None:
    network = MultiTaskNet("mobilenet_v3_small", "coral")
    shapes = {name: tuple(value.shape) for name, value in network.age.state_dict().items()}
    assert shapes == {"weight": (1, HIDDEN), "bias": (116,)}
    assert "out_features=116, bias=True" in repr(network.age)
    network.eval()
    outputs, _ = network(torch.rand(3, 3, 32, 32) * 255)
    assert outputs.shape == (3, 116)
    between = outputs - outputs[:1]
    torch.testing.assert_close(between, between[:, :1].expand(-1, 116))
