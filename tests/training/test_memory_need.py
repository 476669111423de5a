"""A step that needs more memory than there is, is refused before it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from small_trainings import MakeSetup, MultitaskSetup, network_of

from utkage.core.errors import TrainingError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.training import memory_need
from utkage.training.config import TrainConfig
from utkage.training.cost_estimate import estimate_cost
from utkage.training.memory_need import free_memory, require_least_memory, require_memory
from utkage.training.systems.multitask.trainable import TrainableMultitask

Chips = Callable[..., LabelledChips]
CHIPS, SIZE = 40, 48


@pytest.fixture
def setup(make_setup: MakeSetup, labelled_chips: Chips) -> MultitaskSetup:
    config = TrainConfig(
        epochs=1,
        batch_size=1_000_000,
        sizes=(SIZE,),
        backbone="mobilenet_v3_small",
        init="scratch",
    )
    training, validation = labelled_chips(CHIPS, 64), labelled_chips(9, 64, seed=7)
    return replace(make_setup(config=config), train=training, val=validation)


def system_of(setup: MultitaskSetup) -> TrainableMultitask:
    return TrainableMultitask(network_of(setup.config), setup)


def test_a_step_that_fits_is_taken(setup: MultitaskSetup) -> None:
    free = free_memory(torch.device("cpu"))
    assert free is None or free > 10_000_000
    estimate_cost(system_of(setup), SilentReporter())


def test_the_need_is_measured_on_a_few_chips(
    setup: MultitaskSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    original = TrainableMultitask.read

    def spy(self: TrainableMultitask, chosen: object, *arguments: object) -> object:
        drawn.append(len(chosen))  # type: ignore[arg-type]
        return original(self, chosen, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainableMultitask, "read", spy)
    # Enough for the batch itself, but not for what the network keeps of it.
    monkeypatch.setattr(memory_need, "free_memory", lambda device: CHIPS * 12 * SIZE**2 * 3)
    require_least_memory(system_of(setup), 0)
    message = r"cpu: a step of 40 chips at 48 pixels needs about .* GB are free; lower `batch_size`"
    with pytest.raises(TrainingError, match=message):
        estimate_cost(system_of(setup), SilentReporter())
    assert drawn == [16]


def test_a_batch_alone_that_does_not_fit(
    setup: MultitaskSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_need, "free_memory", lambda device: CHIPS * 12 * SIZE**2)
    for require in (require_least_memory, require_memory):
        with pytest.raises(TrainingError, match="a step of 40 chips"):
            require(system_of(setup), 0)
    monkeypatch.setattr(memory_need, "free_memory", lambda device: None)
    require_memory(system_of(setup), 0)


def test_what_is_kept_for_the_backward_pass_counts_once_and_ends() -> None:
    kept = memory_need._KeptMemory()
    values = torch.ones(1000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(kept.keep, kept.give_back):
        product = values.exp() * values
        assert 8_000 <= kept.largest <= 12_000
        product.sum().backward()
    assert kept._now == 0
