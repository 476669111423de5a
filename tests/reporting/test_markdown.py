from utkage.reporting.markdown import markdown_table
from utkage.reporting.table import Cell, Table


def test_a_table_as_markdown() -> None:
    table = Table.of("title", ["split", "MAE"], [["a|b", Cell("4.31", 4.31)], ["test", "5"]])
    assert markdown_table(table).splitlines() == [
        "| split | MAE |",
        "|---|---|",
        "| a\\|b | 4.31 |",
        "| test | 5 |",
    ]
