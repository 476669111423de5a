from dataclasses import replace

import pytest
import torch

from utkage.data.labels import AGE_COUNT
from utkage.models.age_heads import AGE_HEADS
from utkage.training.batches import Blend, SoftTargets, Targets
from utkage.training.config import TrainConfig
from utkage.training.losses import (
    AGE_LOSSES,
    age_divergence,
    expected_age_error,
    gender_loss,
    soft_age_labels,
)
from utkage.training.objective import objective_of

AGES = torch.tensor([0, 25, 60, 116])
GENDERS = torch.tensor([0, 1, 1, 0])
TARGETS = Targets(AGES, GENDERS)
NEXT = torch.tensor([3, 0, 1, 2])
BLEND = Blend(TARGETS.part(NEXT), torch.tensor([1.0, 0.25, 0.5, 0.9]))
SOFT_TARGETS = SoftTargets(
    soft_age_labels(torch.tensor([3, 40, 55, 100]), AGE_COUNT, 4.0, 0.0, 4.0).double(),
    torch.tensor([0.2, 0.9, 0.4, 0.1], dtype=torch.float64),
)


def outputs(name: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(4, 8, generator=generator, dtype=torch.float64)
    head = AGE_HEADS[AGE_LOSSES[name].head].build(8).double()
    torch.nn.init.normal_(head.weight, 0, 1, generator=generator)
    gender = torch.randn(4, generator=generator, dtype=torch.float64)
    return head(inputs).detach().requires_grad_(), gender.requires_grad_()


def test_the_default_is_dldl_v2() -> None:
    logits = outputs("dldl_v2")
    config = TrainConfig(l1_weight=0.3, gender_weight=0.7)
    targets = soft_age_labels(AGES, AGE_COUNT, 1.0, 0.05, 4.0)
    expected = (
        age_divergence(logits[0], targets).mean()
        + 0.3 * expected_age_error(logits[0], AGES).mean()
        + 0.7 * gender_loss(logits[1], GENDERS, 0.05).mean()
    )
    torch.testing.assert_close(objective_of(config)(logits, TARGETS), expected)


@pytest.mark.parametrize("name", AGE_LOSSES)
def test_every_loss_is_least_at_the_truth(name: str) -> None:
    objective = objective_of(TrainConfig(age_loss=name, gender_weight=0.0))
    age_outputs, gender_logits = outputs(name)
    optimizer = torch.optim.Adam([age_outputs], lr=0.5)
    for _ in range(300):
        optimizer.zero_grad()
        objective((age_outputs, gender_logits), TARGETS).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    distribution = AGE_HEADS[AGE_LOSSES[name].head].distribution(age_outputs.detach())
    mean = distribution @ torch.arange(AGE_COUNT, dtype=torch.float64)
    # Soft labels are cut off at the ends, so their mean lies inside.
    assert bool(((mean - AGES).abs() < 2.5).all())


@pytest.mark.parametrize("name", AGE_LOSSES)
def test_a_blend_is_the_weighted_loss_of_both_labels(name: str) -> None:
    objective, logits = objective_of(TrainConfig(age_loss=name)), outputs(name)
    expected = torch.zeros((), dtype=torch.float64)
    for row in range(4):
        one = logits[0][row : row + 1], logits[1][row : row + 1]
        share = float(BLEND.weight[row])
        rows = slice(row, row + 1)
        expected += share * objective(one, TARGETS.part(rows)) / 4
        expected += (1 - share) * objective(one, BLEND.others.part(rows)) / 4
    found = objective(logits, TARGETS, BLEND)
    torch.testing.assert_close(found, expected)


def test_for_distributions_that_is_the_blended_target() -> None:
    config = TrainConfig(l1_weight=0.0, gender_weight=0.0)
    logits = outputs("dldl_v2")
    objective_of(config)(logits, TARGETS, BLEND).backward()  # type: ignore[no-untyped-call]
    (own, other) = (
        soft_age_labels(ages, AGE_COUNT, 1.0, 0.05, 4.0).double()
        for ages in (AGES, BLEND.others.ages)
    )
    share = BLEND.weight.unsqueeze(1)
    targets = share * own + (1 - share) * other
    (expected,) = torch.autograd.grad(age_divergence(logits[0], targets).mean(), logits[0])
    assert logits[0].grad is not None
    torch.testing.assert_close(logits[0].grad, expected)


def test_weights_belong_to_ages_and_leave_gender_alone() -> None:
    config = TrainConfig(age_loss="cross_entropy")
    weights = torch.linspace(0.5, 3, AGE_COUNT)
    logits = outputs("cross_entropy")
    objective = objective_of(config, weights)
    of_age = torch.nn.functional.cross_entropy(logits[0], AGES, reduction="none")
    of_gender = gender_loss(logits[1], GENDERS, 0.05)
    expected = (of_age * weights[AGES] + of_gender).mean()
    torch.testing.assert_close(objective(logits, TARGETS), expected)
    # A blended face's labels each bring their own weight.
    others = torch.nn.functional.cross_entropy(logits[0], BLEND.others.ages, reduction="none")
    both = BLEND.weight * (of_age * weights[AGES] + of_gender) + (1 - BLEND.weight) * (
        others * weights[BLEND.others.ages] + gender_loss(logits[1], BLEND.others.genders, 0.05)
    )
    torch.testing.assert_close(objective(logits, TARGETS, BLEND), both.mean())


def test_faces_weigh_as_told_whichever_label_is_meant() -> None:
    objective, logits = objective_of(TrainConfig()), outputs("dldl_v2")
    importance = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
    targets = TARGETS._replace(importance=importance)
    blend = BLEND._replace(others=targets.part(NEXT))
    expected = torch.zeros((), dtype=torch.float64)
    for row in range(4):
        one = logits[0][row : row + 1], logits[1][row : row + 1]
        rows, share = slice(row, row + 1), float(BLEND.weight[row])
        own = objective(one, TARGETS.part(rows))
        other = objective(one, BLEND.others.part(rows))
        expected += share * importance[row] * own / 4
        expected += (1 - share) * importance[NEXT][row] * other / 4
    torch.testing.assert_close(objective(logits, targets, blend), expected)
    alone, unweighted = (objective(logits, some).item() for some in (targets, TARGETS))
    assert alone != pytest.approx(unweighted)


@pytest.mark.parametrize("name", AGE_LOSSES)
def test_a_teacher_has_its_share_of_the_loss(name: str) -> None:
    config, logits = TrainConfig(age_loss=name, gender_weight=0.7), outputs(name)
    distilled = TARGETS._replace(soft_targets=SOFT_TARGETS)
    of_age = AGE_LOSSES[name].distillation(logits[0], SOFT_TARGETS.ages)
    p = torch.sigmoid(logits[1])
    bce = -(SOFT_TARGETS.genders * p.log() + (1 - SOFT_TARGETS.genders) * (1 - p).log())
    wholly = objective_of(replace(config, teacher_weight=1.0))(logits, distilled)
    torch.testing.assert_close(wholly, (of_age + 0.7 * bce).mean())
    labels = objective_of(config)(logits, TARGETS)
    partly = objective_of(replace(config, teacher_weight=0.25))(logits, distilled)
    torch.testing.assert_close(partly, 0.75 * labels + 0.25 * wholly)
    ignored = objective_of(replace(config, teacher_weight=0.0))(logits, distilled)
    torch.testing.assert_close(ignored, labels)


@pytest.mark.parametrize("name", AGE_LOSSES)
def test_what_is_learned_from_a_teacher_alone_is_its_answer(name: str) -> None:
    objective = objective_of(TrainConfig(age_loss=name, teacher_weight=1.0))
    head = AGE_HEADS[AGE_LOSSES[name].head]
    age_outputs = head.build(8)(torch.zeros(4, 8)).detach().double().requires_grad_()
    gender_logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([age_outputs, gender_logits], lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        loss = objective((age_outputs, gender_logits), TARGETS._replace(soft_targets=SOFT_TARGETS))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    found = head.distribution(age_outputs.detach())
    assert float((found - SOFT_TARGETS.ages).abs().sum(1).max()) < 0.1
    torch.testing.assert_close(
        torch.sigmoid(gender_logits.detach()), SOFT_TARGETS.genders, atol=0.02, rtol=0
    )
