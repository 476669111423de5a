"""Feature extractors of torchvision, without their classifiers."""

from __future__ import annotations

import contextlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

from utkage.core.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn


def torchvision_backbone(name: str, weights: str | None = None) -> nn.Module:
    """Build one of torchvision's networks up to its pooled features: (N, 3, H, W) -> (N, features).

    Args:
        name: torchvision's name of the network, such as ``resnet18``.
        weights: Name of published weights, such as ``ResNet18_Weights.IMAGENET1K_V1``, which are
            downloaded or read from torch's cache; None for random weights.

    Raises:
        WeightsError: the weights cannot be downloaded or read.
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
