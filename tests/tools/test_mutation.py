"""What is mutated exists, and what counts as caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutation import __main__ as program
from tools.mutation.areas import AREAS
from tools.mutation.run import Mutant, _sample, counts


def test_every_area_has_its_modules_and_tests(repository: Path) -> None:
    for area in AREAS:
        for pattern in area.modules:
            assert list((repository / "src" / "utkage").glob(pattern)), pattern
        for name in area.tests:
            assert (repository / "tests" / name).exists(), name


@pytest.mark.parametrize(
    ("exit_code", "is_caught"),
    [(1, True), (3, True), (36, True), (-24, True), (0, False), (33, False), (5, False)],
)
def test_a_failing_or_endless_test_catches_a_mutant(exit_code: int, is_caught: bool) -> None:
    assert Mutant("a.x_f__mutmut_3", "split", exit_code).is_caught == is_caught


def test_a_mutant_that_was_not_tried_is_not_caught() -> None:
    mutant = Mutant("utkage.data.split.x_f__mutmut_12", "split", None)
    assert not mutant.is_caught
    assert mutant.function == "utkage.data.split.x_f"


def test_the_table_counts_by_area() -> None:
    mutants = [Mutant(f"x__mutmut_{n}", "split", n % 4 and 1) for n in range(8)]
    mutants += [Mutant("y__mutmut_1", "rows", 1), Mutant("y__mutmut_2", "rows", None)]
    assert counts(mutants) == {"split": (8, 6), "rows": (1, 1)}
    block = program._block(mutants, 8, "3.8.1")
    lines = [line.replace(" ", "") for line in block.text.splitlines()]
    assert "|split|`data/split.py`|8|6|75.0%|" in lines
    assert lines[-1] == "|all||9|7|77.8%|"
    assert "mutmut 3.8.1, up to 8 mutants of each area" in block.origin


def test_a_sample_is_the_same_every_time() -> None:
    split = next(area for area in AREAS if area.name == "split")
    mutants = [Mutant(f"x__mutmut_{n}", "split", 1) for n in range(50)]
    mutants += [Mutant("y__mutmut_1", "rows", 1)]
    chosen = _sample(mutants, split, 20)
    assert len(chosen) == len(set(chosen)) == 20
    assert chosen == _sample(mutants, split, 20)
    assert {mutant.area for mutant in chosen} == {"split"}
    assert len(_sample(mutants, split, None)) == len(_sample(mutants, split, 99)) == 50
