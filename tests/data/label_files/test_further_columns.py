"""Which further columns of a label file are kept, and which are not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from utkage.core.errors import ConfigError
from utkage.data.label_files.further_columns import FurtherColumns, require_named
from utkage.data.label_files.read import read_label_file
from utkage.data.label_files.settings import LabelSettings

TITLES = (
    *("path", "age", "gender", "Skin tone", "glasses", "person_id", "E-mail", "score", "comment"),
    *("story", "Session"),
)


def label_file(count: int = 80, **changed: list[str]) -> bytes:
    """A CSV of ``count`` pictures; ``changed`` has the cells of some columns by simple title."""
    lines = [",".join(TITLES)]
    for number in range(count):
        cells = {
            "path": f"{number}.jpg",
            "age": str(20 + number % 40),
            "gender": "m" if number % 2 else "f",
            "skin_tone": f"type {number % 6 + 1}",
            "glasses": ("yes", "no", "", "NaN")[number % 4],
            "person_id": str(number % 3),
            "e_mail": f"{number % 2}@example.org",
            "score": f"{number / 7:.4f}",
            "comment": "ok",
            "story": "looks at the camera and smiles" if number == 7 else "",
            "session": f" {number % 5}  pm ",
        }
        cells |= {name: values[number] for name, values in changed.items()}
        lines.append(",".join(cells.values()))
    return "\n".join(lines).encode()


def kept(content: bytes, *names: str, given: bool = False) -> list[dict[str, str]]:
    settings = LabelSettings(keep_columns=names if names or given else None)
    return [dict(row.attributes) for row in read_label_file(content, "labels.csv", settings).rows]


def test_columns_with_few_short_values_are_kept_and_others_are_not() -> None:
    rows = kept(label_file())
    assert rows[0] == {"skin_tone": "type 1", "glasses": "yes", "session": "0 pm"}
    # Unknown values are missing.
    assert rows[2] == {"skin_tone": "type 3", "session": "2 pm"}
    assert rows[3] == {"skin_tone": "type 4", "session": "3 pm"}


def test_the_kept_columns_are_named() -> None:
    notes = read_label_file(label_file(), "labels.csv").notes
    assert notes[-1].startswith("further columns kept: skin_tone, glasses, session; `keep_columns`")


def test_a_named_column_is_kept_whatever_it_is_called() -> None:
    rows = kept(label_file(), "Person ID", "glasses")
    assert rows[1] == {"person_id": "1", "glasses": "no"}


def test_no_column_is_kept_on_request() -> None:
    assert kept(label_file(), "none") == [{}] * 80


def further(*names: str) -> FurtherColumns:
    settings = LabelSettings(keep_columns=names)
    return read_label_file(label_file(), "labels.csv", settings).further


def test_a_column_that_no_label_file_has() -> None:
    message = "`keep_columns` hat: no such column beside the labels; the label file has skin_tone,"
    with pytest.raises(ConfigError, match=message):
        require_named({"a.csv": further("hat", "glasses")})
    with pytest.raises(ConfigError, match="the label files have skin_tone, glasses, person_id,"):
        require_named({"a.csv": further("hat"), "b.csv": further("hat")})
    # Labels are no further columns.
    with pytest.raises(ConfigError, match="`keep_columns` age"):
        require_named({"a.csv": further("age")})


def test_a_column_that_one_label_file_lacks_is_unknown_there() -> None:
    assert kept(label_file(), "hat", "glasses")[0] == {"glasses": "yes"}
    lacking = replace(further("glasses"), titles={}, absent=("glasses",))
    assert require_named({"a.csv": further("glasses"), "b.csv": lacking}) == (
        "b.csv: has no column glasses, so it is unknown for these pictures",
    )
    assert require_named({"a.csv": further("glasses")}) == ()
    assert require_named({}) == ()


@pytest.mark.parametrize("number", [50, 51])
def test_columns_of_many_values_are_not_kept(number: int) -> None:
    values = [f"v{index % number}" for index in range(120)]
    rows = kept(label_file(120, glasses=values))
    assert ("glasses" in rows[0]) == (number == 50)


def test_a_column_whose_values_rarely_repeat_is_not_kept() -> None:
    assert (
        "glasses" not in kept(label_file(20, glasses=[f"v{index % 11}" for index in range(20)]))[0]
    )
    assert "glasses" in kept(label_file(20, glasses=[f"v{index % 10}" for index in range(20)]))[0]
    assert "glasses" in kept(label_file(3, glasses=["a", "b", "c"]))[0]


def test_values_that_would_break_a_report_are_unknown() -> None:
    values = ["yes"] * 10
    values[4] = "no\x1b[31m"
    assert "glasses" not in kept(label_file(10, glasses=values))[0]
    rows = kept(label_file(10, glasses=values), "glasses")
    assert rows[4] == {}
    assert rows[5] == {"glasses": "yes"}


def test_at_most_twenty_columns_are_kept() -> None:
    extra = [f"c{number}" for number in range(25)]
    lines = [",".join(("path", "age", *extra))]
    lines += [",".join((f"{n}.jpg", "30", *(["x"] * 25))) for n in range(4)]
    found = read_label_file("\n".join(lines).encode(), "labels.csv")
    assert list(found.rows[0].attributes) == extra[:20]
    assert found.notes[-1].startswith("the first 20 of 25 further columns kept: c0, c1")


def test_json_lines_have_further_columns_too() -> None:
    lines = [{"path": f"{n}.jpg", "age": 30, "Camera": ["A", "B"][n % 2]} for n in range(6)]
    content = "\n".join(map(json.dumps, lines)).encode()
    rows = read_label_file(content, "labels.jsonl").rows
    assert [row.attributes["camera"] for row in rows] == ["A", "B"] * 3
