import pytest

from utkage.reporting.table import Cell, Table


def test_plain_text_becomes_cells() -> None:
    table = Table.of("errors", ["split", "MAE"], [["val", Cell("4.31", 4.31)]], muted=[0], note="n")
    assert table.columns == ("split", "MAE")
    assert table.rows == ((Cell("val"), Cell("4.31", 4.31)),)
    assert table.muted == {0}
    assert table.note == "n"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="table 'errors': 1 cells in a row, 2 columns"):
        Table.of("errors", ["split", "MAE"], [["val"]])
