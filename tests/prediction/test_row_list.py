from __future__ import annotations

import csv
import doctest
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from utkage import Rows
from utkage.core.errors import UsageError
from utkage.prediction import row_list as module
from utkage.prediction.row_list import row_table
from utkage.prediction.rows import PREDICTION_FIELDS, FaceRow, TrackRow

FACE = FaceRow(
    "a.jpg",
    "ok",
    face=1,
    box=(1.0, 2.0, 31.0, 42.0),
    age=31.2,
    age_low=25.0,
    age_high=38.0,
    range="26-35",
    range_probability=0.61,
    gender="female",
    p_female=0.953,
    interval_level=0.8,
    flags=(),
    faces=2,
)
CHILD = replace(FACE, face=2, age=8.0, gender="male", p_female=0.1, flags=("cut_off", "small"))
NO_FACE = FaceRow("b.jpg", "no_face", faces=0)
FAILED = FaceRow("c.jpg", "failed", "c.jpg: damaged")
ROWS = Rows([FACE, CHILD, NO_FACE, FAILED])


def test_it_is_a_sequence() -> None:
    assert len(ROWS) == 4
    assert list(ROWS) == [FACE, CHILD, NO_FACE, FAILED]
    assert ROWS[0] is FACE
    assert ROWS[-1] is FAILED
    assert ROWS[np.int64(1)] is CHILD
    assert CHILD in ROWS
    assert ROWS.index(NO_FACE) == 2
    assert Rows(iter(ROWS)) == ROWS
    assert Rows() != ROWS
    with pytest.raises(IndexError):
        _ = ROWS[4]


def test_slices_indices_masks_and_predicates() -> None:
    assert list(ROWS[1:3]) == [CHILD, NO_FACE]
    assert list(ROWS[[2, 0]]) == [NO_FACE, FACE]
    assert list(ROWS[np.array([3])]) == [FAILED]
    assert list(ROWS[ROWS.ages >= 18]) == [FACE]
    assert list(ROWS[[False, True, False, False]]) == [CHILD]
    assert list(ROWS.where(lambda row: row.gender == "male")) == [CHILD]
    assert list(ROWS.found) == [FACE, CHILD]
    assert list(ROWS.failed) == [FAILED]
    with pytest.raises(IndexError):
        _ = ROWS[np.array([True])]


def test_columns_as_arrays() -> None:
    np.testing.assert_array_equal(ROWS.ages, [31.2, 8, np.nan, np.nan])
    np.testing.assert_array_equal(ROWS.p_female, [0.953, 0.1, np.nan, np.nan])
    assert ROWS.boxes.shape == (4, 4)
    assert ROWS.boxes[0].tolist() == [1, 2, 31, 42]
    assert np.isnan(ROWS.boxes[2:]).all()
    empty: Rows[FaceRow] = Rows()
    assert empty.ages.dtype == np.float64
    assert (empty.ages.shape, empty.boxes.shape) == ((0,), (0, 4))


def test_what_is_printed() -> None:
    assert repr(ROWS).splitlines()[0] == "<4 rows of 3 files>"
    assert repr(ROWS).endswith(str(ROWS))
    assert repr(ROWS[2:3]).startswith("<1 row of 1 file>\n")
    assert repr(ROWS[:0]) == "<0 rows of 0 files>"


def test_a_prompt_shows_the_first_rows() -> None:
    lines = repr(Rows([*ROWS] * 10)).splitlines()
    assert lines[0] == "<40 rows of 3 files>"
    assert (len(lines), lines[-1]) == (23, "... and 20 more")


def test_a_frame_of_pandas_has_the_columns_of_csv() -> None:
    pandas = pytest.importorskip("pandas")
    frame = ROWS.to_pandas()
    read = pandas.read_csv(io.StringIO(ROWS.to_csv()))
    assert list(frame.columns) == list(read.columns)
    assert frame["age"].tolist()[0] == ROWS[0].age
    assert frame["age"].isna().tolist() == [row.age is None for row in ROWS]


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        ROWS.to_pandas()
    heading, first, second, third, fourth = str(ROWS).splitlines()
    assert heading.split() == [
        *("file", "face", "age", "80%", "interval", "range", "gender", "note"),
    ]
    assert "31.2" in first
    assert "25 - 38" in first
    assert second.endswith("male (90.0%)    cut off, small")
    assert third.startswith("b.jpg     -")
    assert third.endswith("no face found")
    assert fourth.startswith("c.jpg")
    assert fourth.split()[-2:] == ["-", "damaged"]


def test_text_and_files_are_those_of_the_command(tmp_path: Path) -> None:
    expected = [row.to_dict() for row in ROWS]
    assert ROWS.to_dicts() == expected
    assert json.loads(ROWS.to_json()) == expected
    assert json.loads(Rows().to_json()) == []
    table = list(csv.DictReader(io.StringIO(ROWS.to_csv())))
    assert list(table[0]) == list(FaceRow.column_names())
    assert [line["age"] for line in table] == ["31.2", "8.0", "", ""]
    ROWS.save(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8") == ROWS.to_csv()
    with pytest.raises(UsageError, match="suffixes"):
        ROWS.save(tmp_path / "rows.txt")


def test_rows_of_videos() -> None:
    predicted = {name: getattr(FACE, name) for name in PREDICTION_FIELDS}
    rows = Rows([TrackRow("clip.mp4", "ok", track=3, start=1.0, end=2.5, looks=4, **predicted)])
    assert rows[0].track == 3
    assert rows.to_csv().startswith("file,status,reason,track,start")
    assert "1.0 - 2.5" in str(rows[:1])


def test_the_example() -> None:
    assert doctest.testmod(module).attempted
    assert doctest.testmod(module).failed == 0


UNCERTAIN = FaceRow(
    "a.jpg",
    "ok",
    face=1,
    age=30.0,
    age_low=25.4,
    age_high=34.6,
    range="26-35",
    range_probability=0.7,
    gender="uncertain",
    p_female=0.4,
    interval_level=0.9,
    threshold=18,
    p_at_least=0.987,
    flags=(),
)


def test_columns_follow_the_rows() -> None:
    table = row_table([UNCERTAIN])
    expected = ("file", "face", "age", "90% interval", "range", "P(age >= 18)", "gender")
    assert table.columns == expected
    (cells,) = table.rows
    assert [cell.text for cell in cells] == [
        *("a.jpg", "1", "30", "25 - 35", "26-35 (70%)", "98.7%", "uncertain (60.0%)")
    ]
    assert cells[2].value == 30.0


def test_rows_without_faces_only() -> None:
    table = row_table([FaceRow("a.jpg", "no_face", faces=0), FaceRow("b.jpg", "failed", "why")])
    assert table.columns == (*("file", "face", "age", "interval", "range", "gender", "note"),)
    assert [row[-1].text for row in table.rows] == ["no face found", "why"]
    assert [row[-2].text for row in table.rows] == ["-", "-"]


def test_tracks_show_their_time() -> None:
    row = TrackRow("c.mp4", "ok", track=2, start=0.0, end=1.25, looks=3)
    assert row_table([row]).columns[1:4] == ("face", "seconds", "detections")
    assert row_table([]).rows == ()


def test_columns_of_flags_and_reasons() -> None:
    flagged = replace(UNCERTAIN, flags=("cut_off",), threshold=None, p_at_least=None)
    table = row_table([flagged, replace(flagged, flags=())])
    assert table.columns[-2:] == ("gender", "weak because")
    assert [row[-1].text for row in table.rows] == ["cut off", ""]
    table = row_table([flagged, NO_FACE])
    assert table.columns[-2:] == ("gender", "note")
    assert [row[-1].text for row in table.rows] == ["cut off", "no face found"]
    table = row_table([UNCERTAIN, NO_FACE])
    assert [len(row) for row in table.rows] == [len(table.columns)] * 2
    assert table.title == ""


def test_cells_hold_the_numbers_behind_their_text() -> None:
    (cells,) = row_table([UNCERTAIN]).rows
    assert [cell.value for cell in cells[1:6]] == [1, 30.0, 25.4, 0.7, 0.987]
    (cells,) = row_table([replace(UNCERTAIN, range_probability=None)]).rows
    assert cells[4].text == "26-35 (-)"
    lines = row_table([replace(UNCERTAIN, p_female=None)]).rows
    assert lines[0][-1].text == "no face found", "a row is predicted only with both"


def test_other_values_are_not_equal_and_text_is_safe_on_request(tmp_path: Path) -> None:
    rows = Rows([replace(FACE, file="=1+1", faces=1)])
    assert rows != list(rows)
    assert rows == Rows(list(rows))
    assert rows.to_csv().splitlines()[1].startswith("=1+1,")
    assert rows.to_csv(safe=True).splitlines()[1].startswith("'=1+1,")
    video = Rows([TrackRow("v.mp4", "no_face", frames=3)])
    video.save(tmp_path / "v.csv")
    assert (tmp_path / "v.csv").read_text().startswith("file,status,reason,track,")
