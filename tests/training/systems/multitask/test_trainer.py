"""One step: parts of a batch, mixed precision, compiling, losses that are not finite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from utkage.data.labels import AGE_COUNT
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import BACKBONES, NO_SCALING, Backbone, with_backbone
from utkage.models.stages import parameter_stages
from utkage.training.batches import Blend, SoftTargets, Targets, TrainingBatch
from utkage.training.config import TrainConfig
from utkage.training.distributed import Group
from utkage.training.objective import objective_of
from utkage.training.systems.multitask.trainer import MultitaskTrainer, parameter_groups, set_frozen

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    batch_size=8, sizes=(32,), backbone="plain", init="scratch", weight_decay=0.0, clip_norm=1e9
)


def plain() -> nn.Module:
    """Without batch norms: each face is computed by itself."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 5, 4), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def normed() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 5, 4), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


@pytest.fixture(autouse=True)
def backbones() -> Iterator[None]:
    with (
        with_backbone(
            Backbone(
                name="plain",
                build=plain,
                features=16,
                mean=(120.0,) * 3,
                std=(60.0,) * 3,
                source="this test",
            )
        ),
        with_backbone(
            Backbone(
                name="normed",
                build=normed,
                features=8,
                mean=(0.0,) * 3,
                std=NO_SCALING,
                source="this test",
            )
        ),
    ):
        yield


def trainer_of(config: TrainConfig) -> MultitaskTrainer:
    torch.manual_seed(0)
    network = MultiTaskNet(config.backbone).train()
    return MultitaskTrainer(network, objective_of(config), config, CPU, Group())


def batch(count: int = 7) -> TrainingBatch:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(count, 3, 32, 32, generator=generator) * 255
    ages, genders = torch.arange(count) * 13, torch.arange(count) % 2
    soft_targets = SoftTargets(
        torch.rand(count, AGE_COUNT, generator=generator).softmax(1),
        torch.rand(count, generator=generator),
    )
    targets = Targets(ages, genders, torch.linspace(0.5, 2, count), soft_targets)
    others = targets.part(torch.arange(count).roll(1))
    return TrainingBatch(images, targets, count, Blend(others, torch.linspace(0, 1, count)))


def gradients(config: TrainConfig) -> tuple[float, dict[str, torch.Tensor]]:
    trainer = trainer_of(config)
    loss = float(trainer.step(batch(), 1e-9)[0])
    found = {}
    for name, parameter in trainer.network.named_parameters():
        assert parameter.grad is not None
        found[name] = parameter.grad.clone()
    return loss, found


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_parts_give_the_gradient_of_the_whole(parts: int) -> None:
    loss, whole = gradients(CONFIG)
    again, found = gradients(replace(CONFIG, accumulate=parts))
    assert again == pytest.approx(loss, rel=1e-5)
    for name, value in whole.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-6)
    assert max(float(value.abs().max()) for value in whole.values()) > 1e-2


def test_batch_norms_see_the_parts_only() -> None:
    # As documented: with accumulation their statistics are those of smaller batches.
    config = replace(CONFIG, backbone="normed")
    whole, parts = gradients(config)[0], gradients(replace(config, accumulate=2))[0]
    assert abs(whole - parts) > 1e-4


def test_a_step_in_bfloat16_stays_close() -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        trainer = trainer_of(replace(CONFIG, precision=precision))
        losses.append([float(trainer.step(batch(), 1e-3)[0]) for _ in range(5)])
        assert all(value.dtype == torch.float32 for value in trainer.network.parameters())
        assert all(bool(value.isfinite().all()) for value in trainer.network.parameters())
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1], "bfloat16 was not used"


def test_a_compiled_network_learns_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # The default backend would spend twenty seconds on compiling C++.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    losses = []
    for compiled in (False, True):
        trainer = trainer_of(replace(CONFIG, compile=compiled))
        losses.append([float(trainer.step(batch(), 1e-3)[0]) for _ in range(2)])
        assert not any("_orig_mod" in name for name in trainer.network.state_dict())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


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


def test_a_frozen_module_computes_as_in_evaluation() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    module.train()
    set_frozen(module, frozen=True)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    images = torch.randn(8, 4)
    assert torch.equal(module(images), module(images))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_a_module_is_trainable_again() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    set_frozen(module, frozen=True)
    set_frozen(module, frozen=False)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
