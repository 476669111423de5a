"""Every parameter of a backbone is in exactly one stage, and stages are in the order of use."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from utkage.models.registry import BACKBONES, get_backbone
from utkage.models.stages import parameter_stages

COUNTS = {
    "mobilenet_v1": 27,
    "mobilenet_v3_small": 13,
    "mobilenet_v3_large": 17,
    "efficientnet_b0": 18,
    "resnet18": 9,
    "resnet50": 17,
    "convnext_tiny": 22,
    "dlib_face_resnet": 15,
}


@pytest.mark.parametrize("name", BACKBONES)
def test_each_parameter_is_in_one_stage(name: str) -> None:
    module = get_backbone(name).build()
    stages = parameter_stages(module)
    found = sorted(id(parameter) for stage in stages for parameter in stage)
    assert found == sorted(id(parameter) for parameter in module.parameters())
    assert all(stages)
    assert len(stages) == COUNTS[name]


@pytest.mark.parametrize("name", BACKBONES)
def test_stages_are_used_in_their_order(name: str) -> None:
    module = get_backbone(name).build().eval()
    stage_of = {
        id(parameter): number
        for number, stage in enumerate(parameter_stages(module))
        for parameter in stage
    }
    used: list[int] = []

    def note(layer: nn.Module, inputs: object) -> None:
        used.extend(stage_of[id(parameter)] for parameter in layer.parameters(recurse=False))

    for layer in module.modules():
        layer.register_forward_pre_hook(note)
    with torch.inference_mode():
        module(torch.zeros(1, 3, 64, 64))
    assert used == sorted(used)
    assert set(used) == set(range(COUNTS[name]))


def names_of(module: nn.Module) -> list[list[str]]:
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return [[names[id(parameter)] for parameter in stage] for stage in parameter_stages(module)]


def test_separate_norms_belong_to_the_stage_before_them() -> None:
    module = nn.Sequential(
        OrderedDict(
            stem=nn.Conv2d(3, 4, 3, bias=False), norm=nn.BatchNorm2d(4), last=nn.Conv2d(4, 2, 1)
        )
    )
    assert names_of(module) == [
        ["stem.weight", "norm.weight", "norm.bias"],
        ["last.weight", "last.bias"],
    ]


def test_synchronised_norms_are_not_stages() -> None:
    single = get_backbone("resnet18").build()
    names = names_of(single)
    several = nn.SyncBatchNorm.convert_sync_batchnorm(single)  # type: ignore[no-untyped-call]
    assert names_of(several) == names


def test_wrappers_are_removed() -> None:
    inner = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    wrapped = nn.Sequential(nn.Sequential(inner, nn.Flatten()), nn.Identity())
    assert names_of(wrapped) == [["0.0.0.weight"], ["0.0.1.weight"]]


class WithToken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4, bias=False)
        self.blocks = nn.ModuleList([nn.Linear(8, 8, bias=False) for _ in range(2)])
        self.token = nn.Parameter(torch.zeros(8))


def test_loose_parameters_belong_to_the_first_stage() -> None:
    assert names_of(WithToken()) == [
        ["token", "patches.weight"],
        ["blocks.0.weight"],
        ["blocks.1.weight"],
    ]


def test_a_shared_parameter_belongs_to_its_first_stage() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    assert names_of(nn.Sequential(first, second)) == [["0.weight", "0.bias"], ["1.bias"]]


def test_a_single_layer_and_an_empty_backbone() -> None:
    assert names_of(nn.Sequential(nn.Linear(2, 2, bias=False))) == [["0.weight"]]
    assert parameter_stages(nn.Flatten()) == []
