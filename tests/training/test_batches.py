"""Training batches: one process's share, augmented and blended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_trainings import CONFIG, MakeSetup, MultitaskSetup, network_of

from utkage.data.augment import AugmentConfig
from utkage.training.batches import Blend, SoftTargets, Targets, TrainingBatch
from utkage.training.distributed import Group
from utkage.training.loop import first_batch
from utkage.training.systems.multitask.trainable import TrainableMultitask

MIXED = AugmentConfig(mixup=0.7, mixup_alpha=1.0)


def system_of(setup: MultitaskSetup) -> TrainableMultitask:
    return TrainableMultitask(network_of(setup.config), setup)


def draw(setup: MultitaskSetup, chosen: NDArray[np.int64], epoch: int) -> TrainingBatch:
    return system_of(setup).draw(chosen, epoch, Group())


def test_a_face_varies_by_epoch_and_not_by_batch(make_setup: MakeSetup) -> None:
    setup = make_setup()
    chosen = np.arange(24)
    images, targets, total, blend = draw(setup, chosen, 1)
    assert blend is None
    assert total == 24
    some = np.array([17, 3, 8])
    part = draw(setup, some, 1)
    torch.testing.assert_close(part.images, images[some], atol=1e-2, rtol=0)
    assert torch.equal(part.targets.ages, targets.ages[some])
    assert torch.equal(part.targets.genders, targets.genders[some])
    for other in (
        draw(setup, chosen, 2),
        draw(make_setup(config=replace(CONFIG, seed=1)), chosen, 1),
    ):
        assert bool(((other.images - images).abs().amax((1, 2, 3)) > 1).all())


def test_blended_faces_have_the_labels_of_both(make_setup: MakeSetup) -> None:
    plain = make_setup()
    setup, chosen = replace(plain, augmentation=MIXED), np.arange(24)[::-1].copy()
    faces = draw(plain, chosen, 1)
    images, targets, total, blend = draw(setup, chosen, 1)
    assert blend is not None
    assert total == 24
    ages, genders, importance, soft_targets, *_ = targets
    assert importance is soft_targets is None
    assert torch.equal(ages, faces.targets.ages)
    assert torch.equal(genders, faces.targets.genders)
    alone = blend.weight == 1
    assert 2 < int(alone.sum()) < 15
    assert torch.equal(blend.others.ages[alone], ages[alone])
    assert torch.equal(images[alone], faces.images[alone])
    assert int((blend.others.ages != ages).sum()) > 5
    for row in (~alone).nonzero()[:, 0].tolist():
        share = blend.weight[row]
        fits = [
            bool((images[row] - share * faces.images[row] - (1 - share) * other).abs().max() < 0.1)
            and (ages[at], genders[at]) == (blend.others.ages[row], blend.others.genders[row])
            for at, other in enumerate(faces.images)
        ]
        assert sum(fits) == 1
        assert not fits[row]


def assert_same(found: Targets, expected: Targets) -> None:
    assert found.soft_targets is not None
    assert expected.soft_targets is not None
    for one, other in zip(
        (*found[:3], *found.soft_targets), (*expected[:3], *expected.soft_targets), strict=True
    ):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


@pytest.mark.parametrize("size", [2, 3])
def test_blends_do_not_depend_on_the_number_of_processes(make_setup: MakeSetup, size: int) -> None:
    setup, chosen = replace(make_setup(), augmentation=MIXED), np.arange(23)
    sources = ("many",) * 17 + ("few",) * 7
    setup = replace(
        setup,
        config=replace(setup.config, source_weighting="equal"),
        train=replace(setup.train, sources=sources),
    )
    system = system_of(setup)
    soft_targets = SoftTargets(torch.rand(24, 117), torch.rand(24))
    targets = system.batches.targets._replace(soft_targets=soft_targets)
    system.batches = replace(system.batches, targets=targets)
    whole = system.draw(chosen, 1, Group())
    assert whole.blend is not None
    importance = whole.targets.importance
    assert importance is not None
    assert float(importance[0]) < 1 < float(importance[-1])
    for rank in range(size):
        group = Group(rank, size)
        mine = torch.from_numpy(group.share(chosen))
        part = system.draw(chosen, 1, group)
        assert part.total == 23
        assert part.blend is not None
        torch.testing.assert_close(part.images, whole.images[mine], atol=1e-2, rtol=0)
        assert_same(part.targets, whole.targets.part(mine))
        assert_same(part.blend.others, whole.blend.others.part(mine))
        assert torch.equal(part.blend.weight, whole.blend.weight[mine])
    # The picture of the first batch shows all of it, whoever draws it.
    system.setup = replace(setup, group=Group(1, 2))
    assert len(first_batch(system).images) == CONFIG.batch_size


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_parts_of_a_batch_are_the_batch(make_setup: MakeSetup, parts: int) -> None:
    whole = draw(replace(make_setup(), augmentation=MIXED), np.arange(4), 0)
    split = whole.split(parts)
    assert [len(part.images) for part in split] == {
        1: [4],
        2: [2, 2],
        3: [2, 1, 1],
        5: [1, 1, 1, 1],
    }[parts]
    assert torch.equal(torch.cat([part.images for part in split]), whole.images)
    assert torch.equal(torch.cat([part.targets.ages for part in split]), whole.targets.ages)
    assert {part.total for part in split} == {4}


def test_parts_keep_all_columns_together() -> None:
    soft = SoftTargets(torch.eye(3), torch.tensor([0.1, 0.2, 0.3]))
    targets = Targets(torch.tensor([5, 6, 7]), torch.tensor([0, 1, 0]), torch.ones(3), soft)
    part = Blend(targets, torch.tensor([0.5, 0.6, 0.7])).part(torch.tensor([2, 0]))
    assert part.weight.tolist() == torch.tensor([0.7, 0.5]).tolist()
    assert part.others.ages.tolist() == [7, 5]
    assert part.others.genders.tolist() == [0, 0]
    assert part.others.importance is not None
    assert len(part.others.importance) == 2
    assert part.others.soft_targets is not None
    assert part.others.soft_targets.ages.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_what_is_missing_stays_missing() -> None:
    targets = Targets(torch.tensor([5, 6]), torch.tensor([0, 1]))
    for changed in (targets.part(slice(1)), targets.to(torch.device("cpu"))):
        assert changed.importance is None
        assert changed.soft_targets is None
