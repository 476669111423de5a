from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from utkage.data.labels import RANGE_NAMES
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.result_files import PREDICTION_COLUMNS, prediction_rows

Answered = Callable[..., LabelledPredictions]


def test_one_row_per_face(labelled_predictions_of: Answered) -> None:
    faces = labelled_predictions_of(20)
    assert faces.predictions is not None
    rows = [dict(zip(PREDICTION_COLUMNS, row, strict=True)) for row in prediction_rows(faces)]
    assert [row["file"] for row in rows] == list(faces.names)
    assert [row["source"] for row in rows] == list(faces.sources)
    assert [row["age"] for row in rows] == faces.ages.tolist()
    low, high = faces.predictions.age_interval(0.8)
    for index, row in enumerate(rows):
        assert row["predicted_age"] == f"{faces.age[index]:.2f}"
        assert (row["age_low"], row["age_high"]) == (f"{low[index]:.2f}", f"{high[index]:.2f}")
        assert row["range"] == RANGE_NAMES[faces.ranges[index]]
        assert row["predicted_range"] == RANGE_NAMES[faces.range_index[index]]
        assert row["p_female"] == f"{faces.p_female[index]:.4f}"
        assert row["race"] == ("" if faces.races[index] < 0 else faces.races[index])
        assert row["gender"] == ("female" if faces.genders[index] else "male")


def test_unknown_values_are_empty(labelled_predictions_of: Answered) -> None:
    faces = labelled_predictions_of(3)
    unknown = np.full(3, -1)
    faces = replace(faces, ages=unknown, genders=unknown, races=unknown, predictions=None)
    for row in prediction_rows(faces):
        found = dict(zip(PREDICTION_COLUMNS, row, strict=True))
        empty = {name for name, value in found.items() if value == ""}
        assert empty == {"age", "gender", "race", "age_low", "age_high", "range"}
