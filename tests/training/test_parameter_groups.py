import pytest
import torch

from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import BACKBONES
from utkage.models.stages import parameter_stages
from utkage.training.systems.multitask.trainer import parameter_groups


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("layer_decay", [1.0, 0.75])
def test_every_parameter_is_in_one_group(name: str, layer_decay: float) -> None:
    network = MultiTaskNet(name)
    groups = parameter_groups(network, 0.05, layer_decay)
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(found) == sorted(id(parameter) for parameter in network.parameters())
    # Biases, norm scales and layer scales: one value a channel.
    for group in groups:
        assert group["params"]
        for parameter in group["params"]:
            per_channel = parameter.numel() == parameter.shape[0]
            assert group["weight_decay"] == (0.0 if per_channel else 0.05)


@pytest.mark.parametrize("name", BACKBONES)
def test_rates_fall_from_the_heads_to_the_picture(name: str) -> None:
    network = MultiTaskNet(name)
    groups = parameter_groups(network, 0.0, 0.8)
    scales = [group["scale"] for group in groups]
    assert scales == sorted(scales, reverse=True)
    scale_of = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    backbone = {id(parameter) for parameter in network.backbone.parameters()}
    heads = [parameter for parameter in network.parameters() if id(parameter) not in backbone]
    assert len(heads) == 6
    assert {scale_of[id(parameter)] for parameter in heads} == {1.0}
    last = 1.0
    for stage in reversed(parameter_stages(network.backbone)):
        (scale,) = {scale_of[id(parameter)] for parameter in stage}
        assert scale == pytest.approx(0.8 * last)
        last = scale


def test_without_layer_decay_there_are_two_groups_in_the_old_order() -> None:
    network = MultiTaskNet("mobilenet_v1")
    decayed, free = parameter_groups(network, 0.5, 1.0)
    matrices = [parameter for parameter in network.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in network.parameters() if parameter.dim() < 2]
    assert [id(parameter) for parameter in decayed["params"]] == list(map(id, matrices))
    assert [id(parameter) for parameter in free["params"]] == list(map(id, vectors))
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.5, 0.0)
    assert (decayed["scale"], free["scale"]) == (1.0, 1.0)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_step_moves_everything_by_its_rate(name: str) -> None:
    torch.manual_seed(0)
    network = MultiTaskNet(name).train()
    groups = parameter_groups(network, 0.0, 0.5)
    optimizer = torch.optim.AdamW(groups)
    for group in optimizer.param_groups:
        group["lr"] = 1e-3 * group["scale"]
    before = {name: value.clone() for name, value in network.named_parameters()}
    ages, genders = network(torch.rand(4, 3, 64, 64) * 255)
    (ages.square().sum() + genders.square().sum()).backward()
    optimizer.step()
    scale_of = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    for parameter_name, value in network.named_parameters():
        moved = float((value - before[parameter_name]).detach().abs().max())
        # Adam's first step is the rate wherever there is a gradient; float32 rounds the sum.
        limit = 1e-3 * scale_of[id(value)]
        assert moved <= 1.01 * limit + 2e-7, parameter_name
    assert float((network.age.weight - before["age.weight"]).detach().abs().max()) > 9e-4
