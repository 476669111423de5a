from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from utkage.core.errors import ConfigError
from utkage.prediction.cropping import FoundFace
from utkage.prediction.face_tracks import FaceTrack
from utkage.prediction.photos import Photo
from utkage.prediction.predictions import Predictions
from utkage.prediction.rows import (
    FaceRow,
    Row,
    RowOptions,
    TrackRow,
    gender_label,
    label_lines,
    photo_rows,
    prediction_columns,
    rounded_box,
    track_row,
)
from utkage.prediction.wider_intervals import shipped_wider_intervals

LANDMARKS = ((10.26, 20.06), (30.0, 20.0), (20.0, 30.0), (12.0, 40.0), (28.0, 40.0))
FACES = (
    FoundFace((1.23, 2.27, 31.0, 42.0), LANDMARKS, 0.912345, ("covered",), 90),
    FoundFace((5.0, 6.0, 15.0, 26.0), (), None),
)


def predictions() -> Predictions:
    """An even distribution over 20..39, and one over 4..7."""
    distribution = np.zeros((2, 117))
    distribution[0, 20:40] = 1 / 20
    distribution[1, 4:8] = 1 / 4
    ranges = np.zeros((2, 9))
    ranges[0, 3:6] = 0.3, 0.5, 0.2
    ranges[1, :2] = 0.25, 0.75
    return Predictions(np.array([29.512, 5.0]), distribution, ranges, np.array([0.123456, 0.6]))


def test_predictions_become_columns() -> None:
    found = predictions()
    first, second = prediction_columns(found, RowOptions(threshold=18))
    low, high = found.age_interval(0.8)
    assert first == {
        "age": 29.51,
        "age_low": round(low[0], 2),
        "age_high": round(high[0], 2),
        "range": "26-35",
        "range_probability": 0.5,
        "gender": "male",
        "p_female": 0.1235,
        "interval_level": 0.8,
        "threshold": 18,
        "p_at_least": 1.0,
    }
    assert (first["age_low"], first["age_high"]) == (21.5, 37.5)
    assert (second["range"], second["gender"], second["p_at_least"]) == ("5-9", "uncertain", 0.0)
    without_threshold = prediction_columns(found, RowOptions(interval=0.5, uncertain_below=0.6))
    assert without_threshold[0]["p_at_least"] is without_threshold[0]["threshold"] is None
    assert without_threshold[0]["age_low"] == 24.5
    assert without_threshold[1]["gender"] == "female"
    # The ends 1/3 and 2/3 of the way through 19.5..39.5.
    third = prediction_columns(found, RowOptions(interval=1 / 3))[0]
    assert (third["age_low"], third["age_high"]) == (26.17, 32.83)


def test_flags_make_intervals_wider() -> None:
    plain, _ = prediction_columns(predictions(), RowOptions(threshold=25))
    covered, other = prediction_columns(predictions(), RowOptions(threshold=25), [["covered"], []])
    level = shipped_wider_intervals().level(0.8, ["covered"])
    assert level > 0.8
    assert covered["age_high"] - covered["age_low"] == pytest.approx(20 * level, abs=0.02)
    assert plain["p_at_least"] == 0.75
    assert 0.5 < covered["p_at_least"] < 0.75
    assert other == prediction_columns(predictions(), RowOptions(threshold=25))[1]


def test_a_photograph_becomes_rows() -> None:
    photo = Photo(name="a.jpg", faces=FACES, predictions=predictions(), frame=3)
    first, second = photo_rows(photo, RowOptions())
    columns = prediction_columns(predictions(), RowOptions(), [["covered"], []])
    assert first == FaceRow(
        "a.jpg",
        "ok",
        face=1,
        box=(1.2, 2.3, 31.0, 42.0),
        score=0.9123,
        **columns[0],
        flags=("covered",),
        landmarks=((10.3, 20.1), *LANDMARKS[1:]),
        faces=2,
        rotated=90,
        frame=3,
    )
    assert (second.face, second.score, second.landmarks, second.rotated) == (2, None, None, 0)
    assert photo_rows(Photo(name="b.jpg"), RowOptions()) == [FaceRow("b.jpg", "no_face", faces=0)]
    failed = photo_rows(Photo(name="c.jpg", reason="c.jpg: damaged"), RowOptions())
    assert failed == [FaceRow("c.jpg", "failed", "c.jpg: damaged")]


def test_a_track_becomes_a_row() -> None:
    track = FaceTrack(
        number=4,
        first_frame=10,
        last_frame=40,
        start=0.40049,
        end=1.60051,
        frames=28,
        detections=6,
        prediction=predictions()[:1],
        best=FACES[0],
        chip=np.zeros((8, 8, 3), np.uint8),
    )
    (columns,) = prediction_columns(predictions()[:1], RowOptions(), [["covered"]])
    assert track_row("v.mp4", track, RowOptions()) == TrackRow(
        "v.mp4",
        "ok",
        track=4,
        start=0.4,
        end=1.601,
        first_frame=10,
        last_frame=40,
        frames=28,
        looks=6,
        **columns,
        flags=("covered",),
        box=(1.2, 2.3, 31.0, 42.0),
    )


@pytest.mark.parametrize(
    ("name", "good", "bad", "reason"),
    [
        (
            "interval",
            (0.001, 0.999),
            (0.0, 1.0, float("nan")),
            "use a level between 0 and 1, such as 0.8",
        ),
        ("threshold", (1, 116, None), (0, 117), "use an age from 1 to 116"),
        ("uncertain_below", (0.5, 1.0), (0.499, 1.001), "use a probability from 0.5 to 1"),
    ],
)
def test_the_limits_of_options(
    name: str, good: tuple[float, ...], bad: tuple[float, ...], reason: str
) -> None:
    for value in good:
        RowOptions(**{name: value})  # type: ignore[arg-type]
    for value in bad:
        with pytest.raises(ConfigError) as caught:
            RowOptions(**{name: value})  # type: ignore[arg-type]
        assert str(caught.value) == f"`{name}` {value}: {reason}"


@pytest.mark.parametrize("missing", ["age", "gender", "p_female"])
def test_no_label_without_a_whole_prediction(missing: str) -> None:
    row = FaceRow("a", "ok", age=30.4, age_low=20.0, age_high=41.0, gender="female", p_female=0.8)
    assert label_lines(replace(row, **{missing: None})) == ()


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
