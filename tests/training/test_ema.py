import pytest
import torch
from torch import nn

from utkage.training.ema import WeightAverage


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.998])
def test_against_a_loop(decay: float) -> None:
    network = small()
    average = WeightAverage(network, decay)
    expected = {name: value.clone().double() for name, value in network.state_dict().items()}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for step in range(30):
        optimizer.zero_grad()
        network(torch.randn(8, 3)).square().sum().backward()
        optimizer.step()
        average.update(network, step)
        now = min(decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                expected[name] = now * expected[name] + (1 - now) * value.double()
            else:
                expected[name] = value.double()
    for name, value in average.network.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name], atol=1e-5, rtol=1e-5)
    assert int(average.network.state_dict()["1.num_batches_tracked"]) == 30


def test_the_average_is_apart_from_the_network() -> None:
    network = small().train()
    average = WeightAverage(network, 0.9)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for value in network.parameters():
            value.add_(1)
    for name, value in average.network.state_dict().items():
        assert torch.equal(value, before[name])
    changed = {name: value.clone() for name, value in network.state_dict().items()}
    average.update(network, 0)
    for name, value in network.state_dict().items():
        assert torch.equal(value, changed[name]), "the network itself is only read"
    assert network.training
    assert not average.network.training
    assert not any(value.requires_grad for value in average.network.parameters())


def test_the_random_start_is_soon_forgotten() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = WeightAverage(network, 0.998)
    with torch.no_grad():
        network.weight.fill_(100.0)
    for step in range(60):
        average.update(network, step)
    assert float(average.network.weight) == pytest.approx(100.0, abs=0.01)
