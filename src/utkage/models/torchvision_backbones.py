"""Feature extractors that torchvision provides, cut before their classifiers."""

from __future__ import annotations

from torch import nn


def mobilenet_v3_small() -> nn.Module:
    """MobileNetV3-Small with random weights: (N, 3, H, W) -> (N, 576)."""
    from torchvision.models import mobilenet_v3_small as build

    network = build(weights=None)
    return nn.Sequential(network.features, network.avgpool, nn.Flatten())


def resnet18() -> nn.Module:
    """ResNet-18 with random weights: (N, 3, H, W) -> (N, 512)."""
    from torchvision.models import resnet18 as build

    network = build(weights=None)
    network.fc = nn.Identity()
    module: nn.Module = network
    return module
