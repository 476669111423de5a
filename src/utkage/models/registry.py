"""The backbones that can be trained, by name. Reading it imports no torch.

To add one: write a function that returns a module mapping normalised images (N, 3, H, W) to
pooled features (N, features), and add a ``Backbone`` line to ``_BACKBONES``. Programs that use
utkage as a library open ``with_backbone`` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError
from utkage.models import torchvision_backbones

if TYPE_CHECKING:
    from torch import nn

Triple = tuple[float, float, float]

# Channel means of ImageNet in 0..255 units. Caffe-lineage face networks divide by nothing;
# torchvision's divide by the standard deviation.
IMAGENET_MEAN: Triple = (123.68, 116.779, 103.939)
IMAGENET_STD: Triple = (58.393, 57.12, 57.375)
NO_SCALING: Triple = (1.0, 1.0, 1.0)
# dlib's input layer, rgb.
DLIB_MEAN: Triple = (122.782, 117.001, 104.298)
DLIB_STD: Triple = (256.0, 256.0, 256.0)


@dataclass(frozen=True)
class ImageNetWeights:
    """Published weights of a backbone, trained to tell the thousand classes of ImageNet apart.

    Attributes:
        name: torchvision's name of them.
        build: Makes the module with the weights of that name, which it may have to download.
    """

    name: str
    build: Callable[[str], nn.Module]


@dataclass(frozen=True)
class Backbone:
    """How to build one feature extractor.

    Attributes:
        name: What ``--backbone`` takes.
        build: Makes the module with random weights. Its submodules are registered in the order of
            computation; layer-wise learning-rate decay relies on it.
        features: Length of its output vector.
        mean: Per-channel value to subtract from RGB in 0..255.
        std: Per-channel value to divide by.
        source: Paper or library.
        imagenet: Weights for ``--init torchvision``, if there are any.
    """

    name: str
    build: Callable[[], nn.Module]
    features: int
    mean: Triple
    std: Triple
    source: str
    imagenet: ImageNetWeights | None = None


def _mobilenet_v1() -> nn.Module:
    from utkage.models.mobilenet_v1 import MobileNetV1

    return MobileNetV1()


def _dlib_face_resnet() -> nn.Module:
    from utkage.models.dlib_resnet import DlibFaceResNet

    return DlibFaceResNet()


def _of_torchvision(
    name: str,
    build: Callable[[str | None], nn.Module],
    features: int,
    paper: str,
    weights: str,
) -> Backbone:
    return Backbone(
        name,
        partial(build, None),
        features,
        IMAGENET_MEAN,
        IMAGENET_STD,
        f"{paper} (torchvision)",
        ImageNetWeights(weights, build),
    )


_BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "mobilenet_v1",
            _mobilenet_v1,
            1024,
            IMAGENET_MEAN,
            NO_SCALING,
            "Howard et al. 2017, arXiv:1704.04861",
        ),
        _of_torchvision(
            "mobilenet_v3_small",
            torchvision_backbones.mobilenet_v3_small,
            576,
            "Howard et al. 2019, arXiv:1905.02244",
            "MobileNet_V3_Small_Weights.IMAGENET1K_V1",
        ),
        _of_torchvision(
            "mobilenet_v3_large",
            torchvision_backbones.mobilenet_v3_large,
            960,
            "Howard et al. 2019, arXiv:1905.02244",
            "MobileNet_V3_Large_Weights.IMAGENET1K_V2",
        ),
        _of_torchvision(
            "efficientnet_b0",
            torchvision_backbones.efficientnet_b0,
            1280,
            "Tan and Le 2019, arXiv:1905.11946",
            "EfficientNet_B0_Weights.IMAGENET1K_V1",
        ),
        _of_torchvision(
            "resnet18",
            torchvision_backbones.resnet18,
            512,
            "He et al. 2016, arXiv:1512.03385",
            "ResNet18_Weights.IMAGENET1K_V1",
        ),
        _of_torchvision(
            "resnet50",
            torchvision_backbones.resnet50,
            2048,
            "He et al. 2016, arXiv:1512.03385",
            "ResNet50_Weights.IMAGENET1K_V2",
        ),
        _of_torchvision(
            "convnext_tiny",
            torchvision_backbones.convnext_tiny,
            768,
            "Liu et al. 2022, arXiv:2201.03545",
            "ConvNeXt_Tiny_Weights.IMAGENET1K_V1",
        ),
        Backbone(
            "dlib_face_resnet",
            _dlib_face_resnet,
            256,
            DLIB_MEAN,
            DLIB_STD,
            "King 2017, dlib_face_recognition_resnet_model_v1, after He et al. 2016",
        ),
    )
}

#: All there are, to read.
BACKBONES: Mapping[str, Backbone] = MappingProxyType(_BACKBONES)


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


@contextmanager
def with_backbone(backbone: Backbone) -> Iterator[None]:
    """Know one backbone more while the context is open, in training and wherever its weights go.

    Raises:
        ConfigError: the name is taken.
    """
    if backbone.name in _BACKBONES:
        raise ConfigError(f"a backbone is called {backbone.name!r} already; choose another name")
    _BACKBONES[backbone.name] = backbone
    try:
        yield
    finally:
        del _BACKBONES[backbone.name]
