"""A training step gives a device work and never waits for it.

PyTorch's "meta" device stands for a GPU here: its tensors have no values, so whatever would read
one on the host (``item``, ``bool``, ``nonzero``, a copy to the CPU) is an error. A plain copy to
a GPU waits as well; those are watched one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_trainings import CONFIG, MakeSetup, network_of
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from utkage.data.augment import AugmentConfig
from utkage.models.seed.initial import initial_seed_system
from utkage.training.loop import take_step
from utkage.training.systems.base import TrainableSystem
from utkage.training.systems.multitask.trainable import TrainableMultitask
from utkage.training.systems.multitask.trainer import MultitaskTrainer
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.trainable import TrainableSeed

META = torch.device("meta")
EVERYTHING = AugmentConfig(
    shear=0.1,
    gamma=0.3,
    cast=0.5,
    side_light=0.5,
    blur=0.5,
    soften=0.5,
    noise=0.5,
    jpeg=0.5,
    erase=0.8,
    blank=0.5,
    mixup=0.7,
)


class CopiesToDevice(TorchDispatchMode):
    """Counts the copies from the CPU to the device, and those that the host waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.copies = self.waited_for = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), keywords: Any = None
    ) -> Any:
        keywords = keywords or {}
        device = keywords.get("device")
        is_copy = function is torch.ops.aten._to_copy.default and device == META
        if is_copy and arguments[0].device.type == "cpu":
            self.copies += 1
            self.waited_for += not keywords.get("non_blocking")
        return function(*arguments, **keywords)


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[CopiesToDevice]:
    """Watch the copies in the body, and refuse tensors that are filled from Python's numbers."""

    def tensor(*arguments: Any, **keywords: Any) -> Tensor:
        assert keywords.get("device") in (None, torch.device("cpu")), (
            "fills a tensor on the device from the host"
        )
        return made(*arguments, **keywords)

    def new_tensor(self: Tensor, *arguments: Any, **keywords: Any) -> Tensor:
        assert self.device.type == "cpu", "fills a tensor on the device from the host"
        return made_like(self, *arguments, **keywords)

    made, made_like = torch.tensor, Tensor.new_tensor
    with monkeypatch.context() as patch, CopiesToDevice() as copies:
        patch.setattr(torch, "tensor", tensor)
        patch.setattr(Tensor, "new_tensor", new_tensor)
        yield copies


def test_what_would_wait_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    on_device = torch.zeros(3, device=META)
    for waits in (on_device.sum().item, on_device.nonzero, lambda: bool(on_device.any())):
        with pytest.raises((RuntimeError, NotImplementedError)):
            waits()
    with watched(monkeypatch) as copies:
        torch.zeros(3).to(META)
        torch.zeros(3).to(META, non_blocking=True)
        with pytest.raises(AssertionError, match="from the host"):
            torch.tensor([1.0], device=META)
        with pytest.raises(AssertionError, match="from the host"):
            on_device.new_tensor([1.0])
    assert (copies.copies, copies.waited_for) == (2, 1)


def step_on_device(system: TrainableSystem, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    read = system.read(np.arange(8), 1)
    # The first step makes the state of the optimisers.
    take_step(system, read, 0, ())
    with watched(monkeypatch) as copies:
        numbers = take_step(system, read, 1, ())
    assert copies.copies > 3
    assert copies.waited_for == 0
    assert numbers.device == META
    return numbers


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 2, "age_weighting": "sqrt", "source_weighting": "equal"},
        {"logit_adjustment": 1.0, "precision": "bf16"},
        {"age_loss": "mean_variance"},
        {"age_loss": "sord"},
    ],
)
def test_a_step_of_the_multitask_network(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    # The meta device has no mixed precision of its own.
    monkeypatch.setattr(MultitaskTrainer, "_autocast", lambda self: nullcontext())
    setup = make_setup(config=replace(CONFIG, **settings))
    ages = setup.train.ages
    ranges = np.stack([ages, ages], axis=1)
    ranges[:4] = [[0, 9], [70, 116], [-1, -1], [20, 29]]
    ages = np.where(ranges[:, 0] == ranges[:, 1], ranges[:, 0], -1)
    sources = ("one",) * 10 + ("other",) * 14
    train = replace(setup.train, ages=ages, age_ranges=ranges, sources=sources)
    setup = replace(setup, train=train, augmentation=EVERYTHING, device=META)
    system = TrainableMultitask(network_of(setup.config), setup)
    assert step_on_device(system, monkeypatch).shape == (2,)


def test_a_step_of_the_seed_system(make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    config = SeedConfig(epochs=2, batch_size=8, size=32, gender_width=1 / 64)
    augmentation = replace(EVERYTHING, mixup=0.0)
    setup = replace(make_setup(), config=config, augmentation=augmentation, device=META)
    system = TrainableSeed(initial_seed_system(32, 1 / 64, 0, config.init, None).system, setup)
    assert step_on_device(system, monkeypatch).shape == (3,)
