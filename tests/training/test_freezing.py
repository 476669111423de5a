import torch
from torch import nn

from utkage.training.systems.multitask.trainer import set_frozen


def test_a_frozen_module_computes_as_in_evaluation() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    module.train()
    set_frozen(module, frozen=True)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    images = torch.randn(8, 4)
    assert torch.equal(module(images), module(images))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_a_module_is_trainable_again() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    set_frozen(module, frozen=True)
    set_frozen(module, frozen=False)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
