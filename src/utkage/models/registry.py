"""The backbones that can be trained, by name.

To add one: write a function that returns a module mapping normalised images (N, 3, H, W) to
pooled features (N, features), and add a ``Backbone`` line to ``BACKBONES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from utkage.core.errors import ConfigError
from utkage.models import mobilenet_v1, torchvision_backbones

Triple = tuple[float, float, float]

# Channel means of ImageNet in 0..255 units. Caffe-lineage face networks divide by nothing;
# torchvision's divide by the standard deviation.
IMAGENET_MEAN: Triple = (123.68, 116.779, 103.939)
IMAGENET_STD: Triple = (58.393, 57.12, 57.375)
NO_SCALING: Triple = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Backbone:
    """How to build one feature extractor.

    Attributes:
        name: What ``--backbone`` takes.
        build: Makes the module with random weights.
        features: Length of its output vector.
        mean: Per-channel value to subtract from RGB in 0..255.
        std: Per-channel value to divide by.
        source: Paper or library.
    """

    name: str
    build: Callable[[], nn.Module]
    features: int
    mean: Triple
    std: Triple
    source: str


BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "mobilenet_v1",
            mobilenet_v1.MobileNetV1,
            mobilenet_v1.FEATURES,
            IMAGENET_MEAN,
            NO_SCALING,
            "Howard et al. 2017, arXiv:1704.04861",
        ),
        Backbone(
            "mobilenet_v3_small",
            torchvision_backbones.mobilenet_v3_small,
            576,
            IMAGENET_MEAN,
            IMAGENET_STD,
            "Howard et al. 2019, arXiv:1905.02244 (torchvision)",
        ),
        Backbone(
            "resnet18",
            torchvision_backbones.resnet18,
            512,
            IMAGENET_MEAN,
            IMAGENET_STD,
            "He et al. 2016, arXiv:1512.03385 (torchvision)",
        ),
    )
}


def get_backbone(name: str) -> Backbone:
    """Look up a backbone.

    Raises:
        ConfigError: no backbone has this name; the message lists those there are.
    """
    try:
        return BACKBONES[name]
    except KeyError:
        raise ConfigError(
            f"no backbone is called {name!r}; choose one of {', '.join(BACKBONES)}"
        ) from None
