from __future__ import annotations

from utkage.reporting.plain import plain_table
from utkage.reporting.table import Cell, Table


def test_numbers_are_aligned_to_the_right_and_texts_to_the_left() -> None:
    rows = [("val", Cell("4.3", 4.3)), ("test", Cell("10.25", 10.25))]
    table = Table.of("errors", ("split", "MAE"), rows, note="in years")
    assert plain_table(table).splitlines() == [
        "errors",
        "split    MAE",
        "val      4.3",
        "test   10.25",
        "in years",
    ]


def test_a_table_without_rows() -> None:
    assert plain_table(Table.of("", ("split", "MAE"), [])) == "split  MAE"
