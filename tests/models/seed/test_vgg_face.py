from __future__ import annotations

import pytest
import torch
from torch import nn

from utkage.core.errors import ConfigError
from utkage.models.seed.vgg_face import MEAN, VggFace, scaled


def test_the_layers_of_the_publication() -> None:
    network = VggFace(224, 1 / 64)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    convolutions = [name for name in shapes if name.startswith("features.conv")]
    assert len(convolutions) == 2 * 13
    assert shapes["features.conv1_1.weight"] == (64 // 64, 3, 3, 3)
    assert shapes["features.conv3_1.weight"] == (256 // 64, 128 // 64, 3, 3)
    assert shapes["features.conv5_3.weight"] == (512 // 64, 512 // 64, 3, 3)
    assert shapes["fc6.weight"] == (4096 // 64, 512 // 64 * 7 * 7)
    assert shapes["fc7.weight"] == (4096 // 64, 4096 // 64)
    assert shapes["fc8.weight"] == (1, 4096 // 64)


def test_one_logit_per_image() -> None:
    torch.manual_seed(0)
    network = VggFace(64, 1 / 64).eval()
    images = torch.rand(3, 3, 64, 64) * 255
    logits = network(images)
    assert logits.shape == (3,)
    # Images are independent of each other in evaluation mode.
    torch.testing.assert_close(network(images[1:2]), logits[1:2])


def test_the_mean_is_subtracted() -> None:
    network = VggFace(32, 1 / 64).eval()
    images = torch.tensor(MEAN).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    # Without biases, a network maps zero to zero.
    assert network(images).item() == pytest.approx(0, abs=1e-6)
    assert network(images + 40).item() != pytest.approx(0, abs=1e-6)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 32 pixels"):
        VggFace(31)
    network = VggFace(64, 1 / 64)
    with pytest.raises(ConfigError, match=r"images are 96x96; .* for size 64"):
        network(torch.zeros(1, 3, 96, 96))


def test_dropout_is_part_of_training() -> None:
    torch.manual_seed(0)
    network = VggFace(32, 1 / 16).train()
    images = torch.rand(2, 3, 32, 32) * 255
    assert not torch.equal(network(images), network(images))
    assert [type(module) for module in network.children()].count(nn.Dropout) == 1


def test_a_layer_has_at_least_one_channel() -> None:
    assert [scaled(64, width) for width in (1.0, 0.25, 0.01, 0.0001)] == [64, 16, 1, 1]
