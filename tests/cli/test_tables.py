from __future__ import annotations

import io
import json

import pytest
from rich.cells import cell_len
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


LONG_PATHS = [
    "holiday/2019/06 - Lisbon and Porto/IMG_20190612_181203.jpg",
    "/home/someone/a/very/deep/folder/of/pictures/from/the/telephone/b.jpg",
    "c.jpg",
    "one_name_without_a_folder_that_is_longer_than_the_whole_of_a_usual_terminal_is_wide.jpg",
    "写真/二〇一九年の夏休みの写真/海辺の子供たち.jpg",
    "examples/portraits/ann.jpg",
]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_file_names_are_never_broken(width: int) -> None:
    """Of a path that is too long, the end is shown, from the start of a folder if it fits."""
    stream = io.StringIO()
    headings = ("file", "face", "age", "80% interval", "range", "gender", "note")
    rest = ("1", Cell("40", 40), "32 - 50", "36-45 (56%)", "female (98.1%)", "blurred, small")
    rows = [(Cell(path, is_path=True), *rest) for path in LONG_PATHS]
    print_table(Table.of("", headings, rows), Console(file=stream, width=width))
    lines = [line for line in stream.getvalue().splitlines() if line.startswith("│")]
    first = [line.split("│")[1].strip() for line in lines]
    shown = [text for text in first if text]
    assert len(shown) == len(LONG_PATHS), "a path has one line"
    assert all(cell_len(line) <= width for line in lines)
    for text, path in zip(shown, LONG_PATHS, strict=True):
        assert text == path or (text.startswith("…") and path.endswith(text[1:]))
    assert shown[2] == "c.jpg"
    if width >= 80:
        assert shown[5] == LONG_PATHS[5]
    assert shown[1].endswith("/b.jpg")
    if width >= 80:
        assert shown[0].endswith("/IMG_20190612_181203.jpg")
        assert shown[4].endswith("/海辺の子供たち.jpg")


def test_paths_in_texts_are_broken_between_folders() -> None:
    stream = io.StringIO()
    path = "/somewhere/quite/deep/in/the/packages/utkage-mobilenet_v1.safetensors"
    rows = [("path", Cell(f"{path}\nread from {path}", has_lines=True)), ("reason", f"no {path}")]
    print_table(Table.of("", ("", ""), rows), Console(file=stream, width=60))
    lines = stream.getvalue().splitlines()
    assert sum("utkage-mobilenet_v1.safetensors" in line for line in lines) == 3
    text = "".join(line.split("│")[2].strip() for line in lines if line.startswith("│"))
    assert text.replace("read from", "").replace("no ", "").replace(" ", "").count(path) == 3


def test_words_of_other_columns_stay_whole_beside_a_path() -> None:
    stream = io.StringIO()
    rows = [(Cell(LONG_PATHS[1], is_path=True), "uncertain (53.4%)")]
    print_table(Table.of("", ("file", "gender"), rows), Console(file=stream, width=40))
    assert "uncertain" in stream.getvalue()
    assert "(53.4%)" in stream.getvalue()


def test_a_note_of_several_sentences_is_several_lines() -> None:
    lines = printed(Table.of("", ("a",), [("b",)], note="first\nsec\x1bond"))
    assert lines[-2:] == ["first", r"sec\x1bond"]
