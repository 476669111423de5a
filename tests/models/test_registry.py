import subprocess
import sys

import pytest
import torch
from torch import nn

from utkage.core.errors import ConfigError
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import (
    BACKBONES,
    Backbone,
    get_backbone,
    torchvision_backbone,
    with_backbone,
)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_has_its_number_of_features_at_any_size(name: str) -> None:
    spec = get_backbone(name)
    assert spec.name == name
    assert min(spec.std) > 0
    torch.manual_seed(0)
    module = spec.build().eval()
    with torch.inference_mode():
        for height, width in ((32, 32), (33, 33), (48, 80), (64, 64), (113, 113), (224, 224)):
            features = module(torch.randn(2, 3, height, width))
            assert features.shape == (2, spec.features), (height, width)
            assert features.isfinite().all()
            assert not torch.equal(features[0], features[1]), (height, width)


def test_the_documented_backbones_exist() -> None:
    promised = {"mobilenet_v3_large", "efficientnet_b0", "resnet50", "convnext_tiny"}
    known = {"mobilenet_v1", "mobilenet_v3_small", "resnet18", "dlib_face_resnet"}
    assert promised | known <= set(BACKBONES)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_network_gives_logits(name: str) -> None:
    network = MultiTaskNet(name)
    ages, genders = network(torch.rand(3, 3, 32, 32) * 255)
    assert ages.shape == (3, 117)
    assert genders.shape == (3,)
    (ages.sum() + genders.sum()).backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name


def test_images_are_normalised_for_the_backbone() -> None:
    network = MultiTaskNet("mobilenet_v3_small").eval()
    seen: list[torch.Tensor] = []
    network.backbone.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    spec = get_backbone("mobilenet_v3_small")
    mean = torch.tensor(spec.mean).view(1, 3, 1, 1)
    with torch.inference_mode():
        network(mean.expand(1, 3, 32, 32))
        network(mean.expand(1, 3, 32, 32) + torch.tensor(spec.std).view(1, 3, 1, 1))
    torch.testing.assert_close(seen[0], torch.zeros(1, 3, 32, 32), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[1], torch.ones(1, 3, 32, 32), atol=1e-4, rtol=0)


def test_normalisation_is_not_in_the_state() -> None:
    assert not {"mean", "std"} & set(MultiTaskNet("mobilenet_v3_small").state_dict())


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"'vgg16'.*mobilenet_v1, mobilenet_v3_small, .*dlib_face"
    ):
        get_backbone("vgg16")


def tiny(name: str = "tiny") -> Backbone:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    return Backbone(
        name=name, build=build, features=4, mean=(127.5,) * 3, std=(127.5,) * 3, source="this test"
    )


def test_a_backbone_is_registered_within_the_context() -> None:
    before = list(BACKBONES)
    with with_backbone(tiny()):
        assert list(BACKBONES) == [*before, "tiny"]
        ages, _ = MultiTaskNet("tiny")(torch.rand(2, 3, 40, 40))
        assert ages.shape == (2, 117)
    assert list(BACKBONES) == before
    with pytest.raises(ConfigError, match="tiny"):
        MultiTaskNet("tiny")


def test_it_is_removed_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), with_backbone(tiny()):
        raise ZeroDivisionError
    assert "tiny" not in BACKBONES


@pytest.mark.parametrize("name", ["resnet18", "twice"])
def test_existing_names_cannot_be_replaced(name: str) -> None:
    build = get_backbone("resnet18").build
    with with_backbone(tiny("twice")):
        with pytest.raises(ConfigError, match=f"{name}.*already"), with_backbone(tiny(name)):
            pass
        assert name in BACKBONES
    assert get_backbone("resnet18").build is build


def test_the_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        BACKBONES["tiny"] = tiny()  # type: ignore[index]


def test_the_registry_imports_no_torch() -> None:
    code = (
        "import sys, utkage.models.registry as registry; "
        "print(len(registry.BACKBONES), {'torch', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert done.split() == [str(len(BACKBONES)), "set()"]


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
