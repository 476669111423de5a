"""Joint training of the seed system: independence of the models, ranges fed, plateaus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from utkage.core.errors import TrainingError
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT, AGE_RANGES, range_index
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.joint import (
    Batch,
    JointTrainer,
    losses_of,
    ranges_of,
    score_seed,
)

Chips = Callable[..., LabelledChips]
CONFIG = SeedConfig(epochs=2, batch_size=8, size=32, gender_width=1 / 64)
RATES = (CONFIG.gender_rate, CONFIG.range_rate, CONFIG.age_rate)


def system_of(seed: int = 0) -> SeedSystem:
    torch.manual_seed(seed)
    return SeedSystem(VggFace(32, 1 / 64), AgeRangeNet(), AgeEstimationNet())


def batch_of(faces: LabelledChips) -> Batch:
    images = torch.from_numpy(faces.pixels).permute(0, 3, 1, 2).float()
    return images, torch.from_numpy(faces.ages), torch.from_numpy(faces.genders)


def stepped(batch: Batch, true_share: float = 0.0) -> SeedSystem:
    system = system_of()
    torch.manual_seed(5)
    trainer = JointTrainer(system, CONFIG)
    trainer.step(batch, true_share, torch.Generator().manual_seed(0))
    return system


def test_ranges_of_every_age() -> None:
    ages = torch.arange(AGE_COUNT)
    assert ranges_of(ages).tolist() == [range_index(age) for age in range(AGE_COUNT)]


def test_each_model_learns_from_its_own_loss_alone(labelled_chips: Chips) -> None:
    images, ages, genders = batch_of(labelled_chips(8))
    plain = stepped((images, ages, genders))
    other_genders = stepped((images, ages, 1 - genders))
    assert same(plain.age_range, other_genders.age_range)
    assert same(plain.age_estimation, other_genders.age_estimation)
    assert not same(plain.gender, other_genders.gender)
    # Other ages inside the same ranges: only the estimator sees them. L1 knows the side alone,
    # so they lie on both sides of its first predictions.
    first = torch.tensor([AGE_RANGES[index].first for index in ranges_of(ages)])
    last = torch.tensor([AGE_RANGES[index].last for index in ranges_of(ages)])
    plain = stepped((images, first, genders), true_share=1.0)
    other_ages = stepped((images, last, genders), true_share=1.0)
    assert same(plain.gender, other_ages.gender)
    assert same(plain.age_range, other_ages.age_range)
    assert not same(plain.age_estimation, other_ages.age_estimation)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_estimator_is_fed_predicted_or_true_ranges(
    labelled_chips: Chips, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = batch_of(labelled_chips(16))
    fed: list[torch.Tensor] = []
    original = AgeEstimationNet.forward

    def listening(self: AgeEstimationNet, images: torch.Tensor, ranges: torch.Tensor) -> object:
        fed.append(ranges.clone())
        return original(self, images, ranges)

    monkeypatch.setattr(AgeEstimationNet, "forward", listening)
    predicted = system_of()
    torch.manual_seed(5)
    # The same state of dropout as in the step, whose first model is the gender model.
    predicted.gender.train()(batch[0])
    guessed = predicted.age_range.train()(batch[0]).argmax(1)
    stepped(batch, share)
    expected = ranges_of(batch[1]) if share else guessed
    assert fed[-1].tolist() == expected.tolist()
    assert guessed.tolist() != ranges_of(batch[1]).tolist()


def test_scores_against_a_slow_count(labelled_chips: Chips) -> None:
    faces = labelled_chips(10)
    system = system_of().eval()
    images, ages, genders = batch_of(faces)
    score = score_seed(
        system, [(images[:7], ages[:7], genders[:7]), (images[7:], ages[7:], genders[7:])]
    )
    errors, oracle, right, ranges = [], [], 0, 0
    with torch.no_grad():
        for index in range(10):
            face = images[index : index + 1]
            truth = torch.tensor([range_index(int(ages[index]))])
            guess = system.age_range(face).argmax(1)
            errors.append(abs(float(system.age_estimation(face, guess)) - int(ages[index])))
            oracle.append(abs(float(system.age_estimation(face, truth)) - int(ages[index])))
            right += int((float(system.gender(face)) > 0) == bool(genders[index]))
            ranges += int(guess == truth)
    assert score.mae == pytest.approx(sum(errors) / 10, rel=1e-4)
    assert score.oracle_mae == pytest.approx(sum(oracle) / 10, rel=1e-4)
    assert score.gender_accuracy == right / 10
    assert score.range_accuracy == ranges / 10
    assert score.losses.age_estimation == score.mae


def test_a_plateau_cuts_the_rate_of_its_own_model_only(labelled_chips: Chips) -> None:
    trainer = JointTrainer(system_of(), replace(CONFIG, factor=0.5, patience=1))
    losses = vars(score_seed(trainer.system, [batch_of(labelled_chips(8))]).losses)
    for number in range(4):
        trainer.end_epoch({**losses, "age_range": losses["age_range"] - number})
    rates = trainer.rates()
    assert rates["age_range"] == RATES[1]
    assert rates["gender"] == RATES[0] / 2
    assert rates["age_estimation"] == RATES[2] / 2


def test_a_loss_that_is_not_finite_names_its_model(labelled_chips: Chips) -> None:
    trainer = JointTrainer(system_of(), replace(CONFIG, factor=0.5, patience=1))
    images, ages, genders = batch_of(labelled_chips(8))
    images = images * float("nan")
    with pytest.raises(TrainingError, match="gender model is nan"):
        losses_of(trainer.step((images, ages, genders), 0.0, torch.Generator()).tolist())
