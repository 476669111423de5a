import pytest
import torch

from utkage.core.errors import ConfigError
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import BACKBONES, get_backbone


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_gives_its_stated_features(name: str) -> None:
    spec = get_backbone(name)
    assert spec.name == name
    assert min(spec.std) > 0
    module = spec.build().eval()
    with torch.inference_mode():
        for height, width in ((32, 32), (64, 64), (48, 80)):
            assert module(torch.zeros(2, 3, height, width)).shape == (2, spec.features)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_network_gives_logits(name: str) -> None:
    network = MultiTaskNet(name)
    ages, genders = network(torch.rand(3, 3, 32, 32) * 255)
    assert ages.shape == (3, 117)
    assert genders.shape == (3,)
    (ages.sum() + genders.sum()).backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name


def test_images_are_normalised_as_the_backbone_says() -> None:
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


def test_normalisation_is_no_part_of_the_weights() -> None:
    assert not {"mean", "std"} & set(MultiTaskNet("mobilenet_v3_small").state_dict())


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"vgg16.*mobilenet_v1, mobilenet_v3_small, resnet18"):
        get_backbone("vgg16")
