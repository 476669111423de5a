"""JSON as lists, as objects by path, and one object per line."""

from __future__ import annotations

import json

import pytest

from utkage.data.label_files import read_label_file
from utkage.data.label_files.json_lines import read_json
from utkage.data.labels import FaceLabel

ROW = {"file_name": "a.jpg", "age": 25, "sex": "F"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("t.jsonl", ROW),
        ("t.json", ROW | {"other": [1]}),
        ("t.json", [ROW]),
        ("t.json", {"version": 1, "annotations": [ROW]}),
        ("t.json", {"a.jpg": {"age": 25, "sex": "F"}}),
    ],
)
def test_forms_of_one_row(name: str, value: object) -> None:
    if value == ROW | {"other": [1]}:
        # JSON Lines under the suffix of JSON: two objects.
        text = f"{json.dumps(value)}\n{json.dumps(value)}\n"
        rows = read_label_file(text.encode(), name).rows
        assert len(rows) == 2
        row = rows[0]
    else:
        (row,) = read_label_file(json.dumps(value).encode(), name).rows
    assert (row.path, row.label) == ("a.jpg", FaceLabel(25, 1))


def test_titles_of_all_lines_in_lower_case() -> None:
    table = read_json('{"Path": "a.jpg"}\n{"AGE": 3, "path": "b.jpg"}\n', "t.jsonl")
    assert table.titles == ("path", "age")
    assert [dict(line.cells) for line in table.lines] == [
        {"path": "a.jpg"},
        {"age": "3", "path": "b.jpg"},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [("null", ""), ("25.0", "25.0"), ('" f "', "f"), ("true", "true"), ("[1, 2]", "[1, 2]")],
)
def test_values_become_texts(value: str, text: str) -> None:
    (line,) = read_json(f'{{"x": {value}}}', "t.jsonl").lines
    assert line.cells == {"x": text}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{broken", "not JSON"), ("[1, 2]", "not a JSON object"), ("[" * 100_000, "not JSON")],
)
def test_a_line_that_is_no_object_keeps_its_number(text: str, problem: str) -> None:
    _, line, _ = read_json(f'{{"x": 1}}\n\n{text}\n{{"x": 2}}\n', "t.jsonl").lines
    assert (line.number, line.problem) == (3, problem)


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    (line,) = read_json('{"path": "a\u2028b.jpg"}\n', "t.jsonl").lines
    assert line.cells["path"] == "a\u2028b.jpg"
