import torch

from utkage.training.batches import Blend, SoftTargets, Targets


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
