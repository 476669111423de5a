from __future__ import annotations

from dataclasses import fields

import pytest

from utkage.prediction.rows import FaceRow, Row, TrackRow, gender_label, label_lines, rounded_box


@pytest.mark.parametrize("kind", [FaceRow, TrackRow])
def test_the_documented_order_has_every_field_once(kind: type[Row]) -> None:
    names = {field.name for field in fields(kind)}
    assert set(kind.field_names()) == names
    assert len(kind.field_names()) == len(names)
    row = kind("a", "no_face")
    assert tuple(row.to_dict()) == kind.field_names()
    assert len(row.to_cells()) == len(kind.column_names())


def test_nested_values_are_lists_in_json_and_columns_in_csv() -> None:
    row = FaceRow(
        "a", "ok", box=(1.0, 2.0, 3.0, 4.0), landmarks=((5.0, 6.0),) * 5, flags=("small",)
    )
    assert row.to_dict()["landmarks"] == [[5.0, 6.0]] * 5
    cells = dict(zip(FaceRow.column_names(), row.to_cells(), strict=True))
    assert (cells["x1"], cells["right_mouth_y"], cells["flags"]) == (3.0, 6.0, "small")


def test_labels() -> None:
    assert gender_label("male", 0.1) == "male 90%"
    assert gender_label("uncertain", 0.6) == "uncertain"
    row = FaceRow("a", "ok", age=30.4, age_low=20.0, age_high=41.0, gender="female", p_female=0.8)
    assert label_lines(row) == ("30 (20-41)", "female 80%")
    assert label_lines(FaceRow("a", "failed")) == ()
    assert rounded_box((1.26, 2.0, 3.0, 4.04)) == (1.3, 2.0, 3.0, 4.0)
