from __future__ import annotations

from utkage.data.label_files.row import shown


def test_a_cell_is_shown_as_one_short_line_of_ascii() -> None:
    assert shown("é\n") == r"'\xe9\n'"
    assert shown("x" * 40) == "'" + "x" * 40 + "'"
    assert shown("x" * 41) == "'" + "x" * 40 + "...'"
