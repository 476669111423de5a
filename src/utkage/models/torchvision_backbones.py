"""Feature extractors that torchvision provides, cut before their classifiers.

Each function takes the name of published weights, such as ``ResNet18_Weights.IMAGENET1K_V1``, and
downloads them (or reads torch's cache); without a name the weights are random.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

from utkage.core.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn


def mobilenet_v3_small(weights: str | None = None) -> nn.Module:
    """MobileNetV3-Small: (N, 3, H, W) -> (N, 576)."""
    return _pooled(_network("mobilenet_v3_small", weights))


def mobilenet_v3_large(weights: str | None = None) -> nn.Module:
    """MobileNetV3-Large: (N, 3, H, W) -> (N, 960)."""
    return _pooled(_network("mobilenet_v3_large", weights))


def efficientnet_b0(weights: str | None = None) -> nn.Module:
    """EfficientNet-B0: (N, 3, H, W) -> (N, 1280)."""
    return _pooled(_network("efficientnet_b0", weights))


def convnext_tiny(weights: str | None = None) -> nn.Module:
    """ConvNeXt-Tiny with the norm behind its pooling: (N, 3, H, W) -> (N, 768)."""
    network = _network("convnext_tiny", weights)
    return _pooled(network, network.classifier[0])


def resnet18(weights: str | None = None) -> nn.Module:
    """ResNet-18: (N, 3, H, W) -> (N, 512)."""
    return _without_fc(_network("resnet18", weights))


def resnet50(weights: str | None = None) -> nn.Module:
    """ResNet-50: (N, 3, H, W) -> (N, 2048)."""
    return _without_fc(_network("resnet50", weights))


def _pooled(network: Any, *behind: nn.Module) -> nn.Module:
    from torch import nn

    return nn.Sequential(network.features, network.avgpool, *behind, nn.Flatten())


def _without_fc(network: Any) -> nn.Module:
    from torch import nn

    network.fc = nn.Identity()
    module: nn.Module = network
    return module


def _network(name: str, weights: str | None) -> Any:
    from torchvision.models import get_model

    network = get_model(name, weights=None)
    if weights is not None:
        network.load_state_dict(_published(weights))
    return network


def _published(weights: str) -> dict[str, Any]:
    from torchvision.models import get_weight

    try:
        # torch announces a download on stdout, which is for data.
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
