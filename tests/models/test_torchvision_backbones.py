import pytest
import torch
from torch import nn

from utkage.models.torchvision_backbones import torchvision_backbone


@pytest.mark.parametrize(
    ("name", "features"), [("resnet18", 512), ("mobilenet_v3_small", 576), ("convnext_tiny", 768)]
)
def test_classifiers_are_removed(name: str, features: int) -> None:
    backbone = torchvision_backbone(name).eval()
    with torch.inference_mode():
        assert backbone(torch.rand(2, 3, 64, 64)).shape == (2, features)


def test_convnext_keeps_the_norm_after_its_pooling() -> None:
    backbone = torchvision_backbone("convnext_tiny")
    assert isinstance(backbone, nn.Sequential)
    assert isinstance(backbone[2], nn.LayerNorm)
