"""A teacher predicts once, its soft targets are kept, and a resumed run learns from the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from utkage.core.errors import UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.faces.contract import utkface_contract
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import LoadedWeights, read_card
from utkage.prediction.loading import load_predictor
from utkage.training import teachers as module
from utkage.training.teachers import SOFT_TARGETS_NAME, Teacher, mean_soft_targets, open_teachers

CPU = torch.device("cpu")
CONTRACT = utkface_contract(64)


@pytest.fixture
def faces() -> LabelledChips:
    random = np.random.default_rng(0)
    return LabelledChips(
        pixels=random.integers(0, 256, (6, 64, 64, 3), dtype=np.uint8),
        rows=np.array([4, 0, 3, 1, 2]),
        sources=("drawn",) * 5,
        names=tuple(f"{i}.jpg" for i in range(5)),
        ages=np.full(5, 30),
        genders=np.zeros(5, np.int64),
        races=np.full(5, -1),
        pixel_hashes=tuple(f"{i:064x}" for i in range(5)),
        contract=CONTRACT,
    )


def shipped() -> Teacher:
    (found,) = open_teachers(["shipped"], CONTRACT)
    return found


def test_no_name_no_teacher(faces: LabelledChips, tmp_path: Path) -> None:
    assert open_teachers([], CONTRACT) == ()
    assert mean_soft_targets([], faces, CPU, tmp_path, SilentReporter()) is None


def test_a_teacher_is_named_by_its_content(tmp_path: Path) -> None:
    teacher = shipped()
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(shipped_weights().read_bytes())
    (again,) = open_teachers([str(copy)], CONTRACT)
    assert again.identity == teacher.identity
    first, *rest = read_card(copy).lineage
    assert teacher.lineage([]).startswith(f"distilled from weights {teacher.identity}: {first}; ")
    assert teacher.lineage([first]).endswith(f": {'; '.join(rest)}")
    line = teacher.lineage([first, *rest])
    assert (
        line == teacher.lineage([teacher.lineage([])]) == f"distilled from weights {again.identity}"
    )
    assert np.array_equal(teacher.fingerprints, LoadedWeights(copy).fingerprints)


def test_a_teacher_that_wants_other_crops_is_refused() -> None:
    moved = replace(CONTRACT, template=tuple((x, y + 4) for x, y in CONTRACT.template))
    with pytest.raises(UsageError, match=r"teacher .*cropped differently"):
        open_teachers(["shipped"], moved)
    with pytest.raises(UsageError, match="no such weights file"):
        open_teachers(["nobody.safetensors"], CONTRACT)


def test_it_answers_in_the_order_of_the_faces(faces: LabelledChips, tmp_path: Path) -> None:
    soft_targets = shipped().soft_targets(faces, CPU, tmp_path, SilentReporter())
    predictor = load_predictor("shipped")
    for row in range(5):
        (chip,) = faces.batches(5, predictor.card.contract)
        expected = predictor.predict_chips(chip[row : row + 1])
        torch.testing.assert_close(
            soft_targets.ages[row].double(),
            torch.from_numpy(expected.age_distribution[0]),
            atol=1e-5,
            rtol=0,
        )
        assert float(soft_targets.genders[row]) == pytest.approx(expected.p_female[0], abs=1e-4)
    assert len({round(float(value), 6) for value in soft_targets.genders}) == 5


def test_its_answers_are_kept(
    faces: LabelledChips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, calls = shipped(), list[int]()
    original = module.predict_faces

    def spy(*args: object) -> object:
        calls.append(1)
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "predict_faces", spy)

    def soft_targets(some: LabelledChips = faces, who: Teacher = teacher) -> module.SoftTargets:
        return who.soft_targets(some, CPU, tmp_path, SilentReporter())

    first, again = soft_targets(), soft_targets()
    assert len(calls) == 1
    assert torch.equal(first.ages, again.ages)
    assert torch.equal(first.genders, again.genders)
    # Other faces, or another order: predicted again.
    soft_targets(
        replace(faces, rows=faces.rows[::-1].copy(), pixel_hashes=faces.pixel_hashes[::-1])
    )
    soft_targets()
    assert len(calls) == 3
    # A damaged file as well; another teacher has one of its own.
    path = tmp_path / SOFT_TARGETS_NAME.format(teacher.identity)
    path.write_bytes(path.read_bytes()[:50])
    soft_targets()
    soft_targets(who=replace(teacher, identity="another"))
    soft_targets()
    assert len(calls) == 5
    assert {found.name for found in tmp_path.iterdir()} == {
        SOFT_TARGETS_NAME.format(name) for name in (teacher.identity, "another")
    }


def test_several_teach_the_mean_of_their_answers(faces: LabelledChips, tmp_path: Path) -> None:
    teacher = shipped()
    own = teacher.soft_targets(faces, CPU, tmp_path, SilentReporter())
    # Its kept soft targets are those of negatives of the same faces, so they differ.
    other = replace(teacher, identity="other")
    turned = replace(faces, pixels=255 - faces.pixels)
    others = other.soft_targets(turned, CPU, tmp_path, SilentReporter())
    assert not torch.equal(own.genders, others.genders)
    both = mean_soft_targets([teacher, other], faces, CPU, tmp_path, SilentReporter())
    assert both is not None
    torch.testing.assert_close(both.ages, (own.ages + others.ages) / 2)
    torch.testing.assert_close(both.genders, (own.genders + others.genders) / 2)
