"""Ages that are ranges, and faces with one label, in the loss and in a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_trainings import CONFIG, MakeSetup, network_of, train

from utkage.data.chips import LabelledChips
from utkage.training.age_ranges import distance_to_range, range_distribution
from utkage.training.batches import Targets
from utkage.training.config_groups import LossConfig
from utkage.training.losses import AGE_LOSSES
from utkage.training.objective import objective_of


def test_closed_ranges_are_even_and_open_ones_fall() -> None:
    found = range_distribution(torch.tensor([[20, 29], [70, 116], [33, 33], [116, 116]]))
    assert torch.allclose(found.sum(1), torch.ones(4))
    assert torch.allclose(found[0, 20:30], torch.full((10,), 0.1))
    assert found[0, :20].sum() == found[0, 30:].sum() == 0
    assert found[1, 76] == pytest.approx(found[1, 70].item() / 2)
    assert found[1, :70].sum() == 0
    assert found[2, 33] == found[3, 116] == 1


def test_distance_is_zero_inside() -> None:
    years = torch.tensor([18.5, 20.0, 25.0, 29.0, 31.0])
    ranges = torch.tensor([[20, 29]] * 5)
    assert distance_to_range(years, ranges).tolist() == [1.5, 0, 0, 0, 2]


def test_whole_years_and_their_distances() -> None:
    found = range_distribution(torch.tensor([[110, 116], [0, 1]]))
    assert found.dtype == torch.float32
    assert found.shape == (2, 117)
    falling = 0.5 ** (torch.arange(7) / 6)
    assert torch.allclose(found[0, 110:], falling / falling.sum())
    assert found[1].tolist() == [0.5, 0.5, *[0.0] * 115]
    years = torch.tensor([10.25, 120.5], dtype=torch.float64)
    distance = distance_to_range(years, torch.tensor([[20, 29], [30, 116]]))
    assert distance.tolist() == [9.75, 4.5]
    assert distance.dtype == torch.float64


@pytest.mark.parametrize("name", AGE_LOSSES)
def test_the_loss_of_a_range_pulls_into_it(name: str) -> None:
    loss, config = AGE_LOSSES[name], LossConfig(age_loss=name)
    torch.manual_seed(0)
    outputs = torch.zeros(1, 117 if loss.head == "softmax" else 116, requires_grad=True)
    ranges = torch.tensor([[30, 39]])
    optimiser = torch.optim.Adam([outputs], lr=0.1)
    for _ in range(400):
        optimiser.zero_grad()
        loss.range_function(outputs, ranges, config).sum().backward()
        optimiser.step()
    from utkage.models.age_heads import get_age_head

    distribution = get_age_head(loss.head).distribution(outputs.detach())
    mean = float(distribution[0] @ torch.arange(117.0))
    assert 29 <= mean <= 40


@pytest.mark.parametrize("name", ["cross_entropy", "coral", "corn", "l1"])
def test_a_range_of_one_year_is_that_year(name: str) -> None:
    """Up to a constant, which has no gradient."""
    loss, config = AGE_LOSSES[name], LossConfig(age_loss=name)
    gradients = []
    for of_range in (False, True):
        torch.manual_seed(1)
        outputs = torch.randn(4, 117 if loss.head == "softmax" else 116, requires_grad=True)
        ages = torch.tensor([3, 40, 77, 100])
        labels = torch.stack([ages, ages], 1) if of_range else ages
        (loss.range_function if of_range else loss.function)(
            outputs, labels, config
        ).sum().backward()
        gradients.append(outputs.grad)
    assert torch.allclose(*gradients, atol=1e-5)  # type: ignore[arg-type]


def test_each_face_adds_the_losses_of_its_own_labels() -> None:
    objective = objective_of(LossConfig(gender_weight=1.0))
    torch.manual_seed(0)
    ages, genders = torch.randn(4, 117, requires_grad=True), torch.randn(4, requires_grad=True)
    targets = Targets(
        torch.tensor([30, -1, -1, 50]),
        torch.tensor([1, 0, 1, -1]),
        age_ranges=torch.tensor([[30, 30], [20, 29], [-1, -1], [50, 50]]),
    )
    objective((ages, genders), targets).backward()
    assert ages.grad is not None
    assert genders.grad is not None
    assert (ages.grad.abs().sum(1) > 0).tolist() == [True, True, False, True]
    assert (genders.grad != 0).tolist() == [True, True, True, False]


def test_complete_labels_have_the_loss_they_had() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(6, 117), torch.randn(6)
    ages, genders = torch.arange(6) * 15, torch.arange(6) % 2
    plain = Targets(ages, genders)
    marked = plain._replace(age_ranges=torch.stack([ages, ages], 1))
    for config in (LossConfig(), LossConfig(age_loss="mean_variance")):
        objective = objective_of(config, torch.linspace(0.5, 2, 117))
        assert torch.allclose(objective(outputs, plain), objective(outputs, marked))


Change = Callable[[LabelledChips], LabelledChips]


def _ranges(faces: LabelledChips) -> LabelledChips:
    first = faces.ages // 10 * 10
    ranges = np.stack([first, first + 9], axis=1)
    return replace(faces, ages=np.full_like(faces.ages, -1), age_ranges=ranges)


def _no_ages(faces: LabelledChips) -> LabelledChips:
    unknown = np.full_like(faces.ages, -1)
    return replace(faces, ages=unknown, age_ranges=np.stack([unknown, unknown], axis=1))


def _no_genders(faces: LabelledChips) -> LabelledChips:
    return replace(faces, genders=np.full_like(faces.genders, -1))


@pytest.mark.parametrize(
    ("change", "column", "kept"),
    [
        (_ranges, "val_label_range_distance", ()),
        (_no_ages, "val_gender_accuracy", ("age",)),
        (_no_genders, "val_mae", ("gender",)),
    ],
)
def test_a_training_on_partial_labels(
    make_setup: MakeSetup, change: Change, column: str, kept: tuple[str, ...]
) -> None:
    setup = make_setup(config=replace(CONFIG, epochs=1, age_weighting="sqrt"))
    setup = replace(setup, train=change(setup.train), val=change(setup.val))
    network = network_of()
    before = {name: getattr(network, name).weight.clone() for name in ("age", "gender")}
    result = train(setup, network=network)
    assert isinstance(result.rows[0][column], float)
    assert np.isfinite(result.best_mae)
    for name, weights in before.items():
        assert torch.equal(getattr(network, name).weight, weights) == (name in kept)
