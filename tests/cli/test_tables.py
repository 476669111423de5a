from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from utkage.cli.tables import print_json, print_table
from utkage.reporting.table import Cell, Table


def printed(table: Table) -> list[str]:
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=60))
    return stream.getvalue().splitlines()


def test_numbers_stand_at_the_right() -> None:
    table = Table.of("errors", ("split", "MAE"), [("val", Cell("4.3", 4.3)), ("x", Cell("12", 12))])
    lines = printed(table)
    assert lines[0].strip() == "errors"
    assert any(line.endswith(" 4.3 │") for line in lines)
    assert any(line.startswith("│ x   ") and line.endswith("  12 │") for line in lines)


def test_columns_without_headings_have_no_header() -> None:
    first, *_ = [line for line in printed(Table.of("", ("", ""), [("a", "b")])) if "│" in line]
    assert first.split() == ["│", "a", "│", "b", "│"]


def test_control_characters_are_shown() -> None:
    text = "\n".join(printed(Table.of("", ("file",), [("a\x1b[31m.jpg",)])))
    assert "\x1b" not in text
    assert "[31m.jpg" in text


def test_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "ä", "list": [1, None]}
    print_json(value)
    plain = capsys.readouterr().out
    assert json.loads(plain) == value
    assert plain.isascii()
    print_json(value, ensure_ascii=False)
    assert "ä" in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80])
def test_words_stay_whole_on_a_narrow_terminal(width: int) -> None:
    stream = io.StringIO()
    headings = ("metrics", "n", "MAE", "MAE 21-60", "CS@5", "gender 16+", "80 % interval")
    rows = [("UTKFace test (flip averaging)", "1712", "4.41", "4.54", "68.3%", "98.5%", "85.5%")]
    print_table(Table.of("", headings, rows), Console(file=stream, width=width))
    text = stream.getvalue()
    assert all(len(line) <= width for line in text.splitlines())
    for word in " ".join([*headings, *rows[0]]).split():
        assert word in text


def test_lines_of_a_cell_and_line_feeds_of_a_name() -> None:
    stream = io.StringIO()
    cells = (Cell("a: 1\nb: 2", has_lines=True), "odd\nname.jpg")
    print_table(Table.of("", ("facts", "file"), [cells]), Console(file=stream, width=80))
    lines = stream.getvalue().splitlines()
    assert any("a: 1 " in line and r"odd\nname.jpg" in line for line in lines)
    assert any("b: 2 " in line for line in lines)
