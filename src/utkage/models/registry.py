"""The backbones by name. Importing the registry imports no torch.

To add a backbone, write a function that returns a module from normalised images (N, 3, H, W) to
pooled features (N, features), and add a ``Backbone`` to ``_BACKBONES``. Programs that use utkage as
a library open ``with_backbone`` instead.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from torch import nn

Triple = tuple[float, float, float]

# Channel means of ImageNet in 0..255 units. Networks of Caffe lineage only subtract them;
# torchvision's also divide by the standard deviations.
IMAGENET_MEAN: Triple = (123.68, 116.779, 103.939)
IMAGENET_STD: Triple = (58.393, 57.12, 57.375)
NO_SCALING: Triple = (1.0, 1.0, 1.0)
# The input layer of dlib, RGB.
DLIB_MEAN: Triple = (122.782, 117.001, 104.298)
DLIB_STD: Triple = (256.0, 256.0, 256.0)


@dataclass(frozen=True)
class ImageNetWeights:
    """Published weights of a backbone, trained on the thousand classes of ImageNet.

    ``build`` turns torchvision's name of the weights into the module; it may download them.
    """

    name: str
    build: Callable[[str], nn.Module]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A feature extractor.

    Attributes:
        name: Name for `backbone`.
        build: Function that returns the module with random weights. Its submodules are registered
            in the order of computation; layer-wise learning-rate decay relies on it.
        features: Length of the output vector.
        mean: Values to subtract from the RGB channels in 0..255.
        std: Values to divide the channels by.
        source: Paper or library.
        imagenet: Weights for `init=torchvision`; None if there are none.
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


def torchvision_backbone(name: str, weights: str | None = None) -> nn.Module:
    """Build one of torchvision's networks up to its pooled features: (N, 3, H, W) -> (N, features).

    ``weights`` such as ``ResNet18_Weights.IMAGENET1K_V1`` are downloaded or read from torch's cache
    (``WeightsError`` if neither is possible); None stands for random weights.
    """
    from torch import nn
    from torchvision.models import get_model

    network: Any = get_model(name, weights=None)
    if weights is not None:
        network.load_state_dict(_published(weights))
    if hasattr(network, "fc"):
        network.fc = nn.Identity()
        module: nn.Module = network
        return module
    # ConvNeXt has a norm after its pooling, which is stored with the classifier.
    norm = [network.classifier[0]] if name.startswith("convnext") else []
    return nn.Sequential(network.features, network.avgpool, *norm, nn.Flatten())


def _published(weights: str) -> dict[str, Any]:
    from torchvision.models import get_weight

    try:
        # torch announces downloads on stdout, which is reserved for data.
        with contextlib.redirect_stdout(sys.stderr):
            state: dict[str, Any] = get_weight(weights).get_state_dict(
                progress=False, check_hash=True, map_location="cpu", weights_only=True
            )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{weights}: torchvision could not download or read it ({detail}); try again, or use "
            "`init=scratch`"
        ) from error
    return state


def _from_torchvision(title: str, features: int, paper: str, version: int) -> Backbone:
    """A network of torchvision, whose weights are named by its ``title`` and their ``version``."""
    build = partial(torchvision_backbone, title.lower())
    return Backbone(
        name=title.lower(),
        build=build,
        features=features,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        source=f"{paper} (torchvision)",
        imagenet=ImageNetWeights(f"{title}_Weights.IMAGENET1K_V{version}", build),
    )


_BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            name="mobilenet_v1",
            build=_mobilenet_v1,
            features=1024,
            mean=IMAGENET_MEAN,
            std=NO_SCALING,
            source="Howard et al. 2017, arXiv:1704.04861",
        ),
        _from_torchvision("MobileNet_V3_Small", 576, "Howard et al. 2019, arXiv:1905.02244", 1),
        _from_torchvision("MobileNet_V3_Large", 960, "Howard et al. 2019, arXiv:1905.02244", 2),
        _from_torchvision("EfficientNet_B0", 1280, "Tan and Le 2019, arXiv:1905.11946", 1),
        _from_torchvision("ResNet18", 512, "He et al. 2016, arXiv:1512.03385", 1),
        _from_torchvision("ResNet50", 2048, "He et al. 2016, arXiv:1512.03385", 2),
        _from_torchvision("ConvNeXt_Tiny", 768, "Liu et al. 2022, arXiv:2201.03545", 1),
        Backbone(
            name="dlib_face_resnet",
            build=_dlib_face_resnet,
            features=256,
            mean=DLIB_MEAN,
            std=DLIB_STD,
            source="King 2017, dlib_face_recognition_resnet_model_v1, after He et al. 2016",
        ),
    )
}

#: All backbones by name, read-only.
BACKBONES: Mapping[str, Backbone] = MappingProxyType(_BACKBONES)


def get_backbone(name: str) -> Backbone:
    """Look up a backbone; raises ``ConfigError`` if there is none of this name."""
    if name not in BACKBONES:
        raise ConfigError(f"there is no backbone {name!r}; choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


@contextlib.contextmanager
def with_backbone(backbone: Backbone) -> Iterator[None]:
    """Register one more backbone while the context is open; its name must be new."""
    if backbone.name in _BACKBONES:
        raise ConfigError(f"the backbone {backbone.name!r} exists already; choose another name")
    _BACKBONES[backbone.name] = backbone
    try:
        yield
    finally:
        del _BACKBONES[backbone.name]
