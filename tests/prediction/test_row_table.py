from __future__ import annotations

from utkage.prediction.row_list import row_table
from utkage.prediction.rows import FaceRow, TrackRow

FACE = FaceRow(
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
    table = row_table([FACE])
    expected = ("file", "face", "age", "90% interval", "range", "P(age >= 18)", "gender")
    assert table.columns == expected
    (cells,) = table.rows
    assert [cell.text for cell in cells] == [
        *("a.jpg", "1", "30", "25 - 35", "26-35 (70%)", "98.7%", "uncertain (60.0%)")
    ]
    assert cells[2].value == 30.0


def test_rows_without_faces_only() -> None:
    table = row_table([FaceRow("a.jpg", "no_face", faces=0), FaceRow("b.jpg", "failed", "why")])
    assert table.columns == ("file", "face", "age", "interval", "range", "gender")
    assert [row[-1].text for row in table.rows] == ["no face found", "why"]


def test_tracks_show_their_time() -> None:
    row = TrackRow("c.mp4", "ok", track=2, start=0.0, end=1.25, looks=3)
    assert row_table([row]).columns[1:4] == ("face", "seconds", "detections")
    assert row_table([]).rows == ()
