from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from utkage.models.batch_norms import make_affine, restore_batch_norms
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import load_weights


@pytest.fixture
def network() -> nn.Sequential:
    """Two frozen norms: identities with a scale and a shift."""
    torch.manual_seed(0)
    norms = [nn.BatchNorm2d(4), nn.BatchNorm2d(2)]
    for norm in norms:
        make_affine(norm, torch.rand(norm.num_features) + 0.5, torch.randn(norm.num_features))
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), norms[0], nn.ReLU(), nn.Conv2d(4, 2, 3), norms[1]
    ).eval()


def sample(count: int = 10) -> torch.Tensor:
    return torch.rand((count, 3, 12, 12), generator=torch.Generator().manual_seed(1)) * 255


def test_an_affine_norm_computes_scale_and_shift() -> None:
    norm = nn.BatchNorm2d(2).eval()
    assert norm.running_mean is not None
    norm.running_mean.fill_(7)
    scale, shift = torch.tensor([2.0, -0.5]), torch.tensor([1.0, 3.0])
    make_affine(norm, scale, shift)
    images = torch.randn(3, 2, 4, 4)
    expected = images * scale.view(1, 2, 1, 1) + shift.view(1, 2, 1, 1)
    torch.testing.assert_close(norm(images), expected)


@pytest.mark.parametrize("batch", [3, 64])
def test_measured_statistics_keep_the_function(network: nn.Sequential, batch: int) -> None:
    images = sample()
    with torch.no_grad():
        before, inputs = network(images), network[0](images)
        restore_batch_norms(network, images, batch)
        torch.testing.assert_close(network(images), before, atol=1e-3, rtol=1e-4)
        # In training mode the same batch gives nearly the same values.
        trained = copy.deepcopy(network).train()(images)
    torch.testing.assert_close(trained, before, atol=1e-2, rtol=1e-3)
    norm = network[1]
    torch.testing.assert_close(norm.running_mean, inputs.mean((0, 2, 3)), rtol=1e-5, atol=1e-4)
    variance = inputs.var((0, 2, 3), unbiased=False)
    torch.testing.assert_close(norm.running_var, variance, rtol=1e-3, atol=1e-3)


def test_the_mode_stays_and_no_hook_is_left(network: nn.Sequential) -> None:
    for training in (True, False):
        network.train(training)
        restore_batch_norms(network, sample(4))
        assert network.training is training
        assert all(module.training is training for module in network)
    assert not any(module._forward_pre_hooks for module in network)


def test_the_shipped_weights_can_be_trained_further() -> None:
    """Their norms have measured statistics; norms that were only folded would not."""
    state = load_weights(shipped_weights()).state
    variances = [tensor for name, tensor in state.items() if name.endswith("running_var")]
    assert variances
    for variance in variances:
        assert variance.std() > 0.01 * variance.mean()
