"""A backbone of two convolutions, which is trained and exported in seconds."""

from __future__ import annotations

from torch import nn

from utkage.models.registry import IMAGENET_MEAN, IMAGENET_STD, Backbone


def two_convolutions() -> nn.Module:
    """Normalised images (N, 3, H, W) -> features (N, 16)."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 5, 4), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


SMALL_BACKBONE = Backbone(
    name="small",
    build=two_convolutions,
    features=16,
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    source="a test",
)
