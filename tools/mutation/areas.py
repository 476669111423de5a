"""What is mutated, and the tests that have to notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """Modules and their own tests.

    Attributes:
        name: Name in the table.
        modules: Source files, as patterns below ``src/utkage``.
        tests: Test files and folders below ``tests``.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS: tuple[Area, ...] = (
    Area(
        "metrics",
        tuple(
            f"evaluation/metrics/{name}.py"
            for name in ("registry", "age_errors", "classification", "reliability")
        ),
        tuple(
            f"evaluation/metrics/test_{name}.py"
            for name in ("registry", "age_errors", "classification", "reliability")
        ),
    ),
    Area(
        "labels and age ranges",
        ("data/labels.py", "training/age_ranges.py"),
        ("data/test_labels.py", "training/test_age_ranges.py"),
    ),
    Area("split", ("data/split.py",), ("data/test_split.py",)),
    Area("label grammar", ("data/names/*.py",), ("data/names",)),
    Area(
        "crop geometry",
        ("faces/contract.py", "faces/alignment.py", "faces/recrop.py"),
        ("faces/test_contract.py", "faces/test_alignment.py", "faces/test_recrop.py"),
    ),
    Area(
        "rows",
        ("prediction/rows.py", "prediction/row_files.py", "prediction/row_list.py"),
        ("prediction/test_rows.py", "prediction/test_row_files.py", "prediction/test_row_list.py"),
    ),
)
# Tests that take seconds and reach the mutated modules only on the way.
SLOW_TESTS = "not test_a_training_on_partial_labels and not test_the_loss_of_a_range_pulls_into_it"
