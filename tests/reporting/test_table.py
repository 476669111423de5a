import pytest

from utkage.reporting.table import Cell, Table, markdown_table, plain_table


def test_plain_text_becomes_cells() -> None:
    table = Table.of("errors", ["split", "MAE"], [["val", Cell("4.31", 4.31)]], muted=[0], note="n")
    assert table.columns == ("split", "MAE")
    assert table.rows == ((Cell("val"), Cell("4.31", 4.31)),)
    assert table.muted == {0}
    assert table.note == "n"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="table 'errors': 1 cells in a row, 2 columns"):
        Table.of("errors", ["split", "MAE"], [["val"]])


def test_a_table_as_markdown() -> None:
    table = Table.of("title", ["split", "MAE"], [["a|b", Cell("4.31", 4.31)], ["test", "5"]])
    assert markdown_table(table).splitlines() == [
        "| split | MAE |",
        "|---|---|",
        "| a\\|b | 4.31 |",
        "| test | 5 |",
    ]


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
