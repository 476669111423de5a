from __future__ import annotations

import pytest
import torch
from torch import nn

from utkage.core.errors import WeightsError
from utkage.models.averaging import average_states, fold_batch_norms
from utkage.models.mobilenet_v1 import MobileNetV1


def lively(seed: int) -> MobileNetV1:
    torch.manual_seed(seed)
    network = MobileNetV1()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def test_folding_keeps_the_function() -> None:
    network, images = lively(0), torch.rand(2, 3, 64, 64)
    before = network(images)
    fold_batch_norms(network)
    torch.testing.assert_close(network(images), before, atol=1e-4, rtol=1e-3)
    norm = network.units[0].norm
    torch.testing.assert_close(norm.weight, torch.ones_like(norm.weight))


def test_folding_twice_changes_nothing_more() -> None:
    network = lively(1)
    fold_batch_norms(network)
    once = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fold_batch_norms(network)
    torch.testing.assert_close(dict(network.state_dict()), once)


def test_batch_norms_elsewhere_are_refused() -> None:
    with pytest.raises(WeightsError, match="mobilenet_v1"):
        fold_batch_norms(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))


def test_the_average_is_weighted_and_keeps_whole_numbers() -> None:
    states = [{"w": torch.tensor([value]), "n": torch.tensor(7)} for value in (1.0, 2.0, 6.0)]
    average = average_states(states, [0.5, 0.25, 0.25])
    assert average["w"].tolist() == [2.5]
    assert average["n"].tolist() == 7
    assert states[0]["w"].tolist() == [1.0]


def test_networks_without_an_average_are_refused() -> None:
    state, other = {"w": torch.zeros(2)}, {"w": torch.zeros(3)}
    with pytest.raises(WeightsError, match="different networks"):
        average_states([state, other], [0.5, 0.5])
    with pytest.raises(WeightsError, match="sum to 1"):
        average_states([state, state], [0.5, 0.4])
