"""The table of trainings: means in a row, spread within rows."""

from __future__ import annotations

import math
from typing import Any

from tools.report.run_table import training_block


def epoch(mae: float, share: float = 0.5) -> dict[str, Any]:
    source = {"mae": mae, "range_accuracy": share, "gender_accuracy": share}
    return {"val_n": 40, "val_mae": mae, "val_sources": {"UTKFace": source, "AAF": source}}


def test_a_row_shows_the_mean_of_the_best_epochs() -> None:
    block = training_block(
        {"first": [[epoch(6.0), epoch(4.0, 0.6)], [epoch(5.0, 0.7), epoch(5.5)]]}
    )
    row = next(line for line in block.text.splitlines() if line.startswith("| first"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("first", "2", "2", "4.50", "4.50", "4.50"),
        *("65.0 %",) * 4,
    ]
    assert "40 validation faces" in block.origin


def test_the_spread_is_pooled_over_rows_with_several_trainings() -> None:
    alone = {"alone": [[epoch(9.0)]]}
    assert "Standard deviation" not in training_block(alone).text
    several = {"two": [[epoch(4.0)], [epoch(5.0)]], "three": [[epoch(v)] for v in (6.0, 7.0, 8.0)]}
    spread = math.sqrt((2 * 0.5**2 + 2 * 1.0**2) / 3)
    block = training_block({**alone, **several})
    assert f"3 degrees of freedom: MAE {spread:.3f} years" in block.text
