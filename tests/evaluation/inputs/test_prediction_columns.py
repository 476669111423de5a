"""Which columns are taken for predictions, and where that is refused as unclear."""

from __future__ import annotations

import pytest

from utkage.core.errors import DataError
from utkage.evaluation.inputs.prediction_columns import (
    AGE_TITLES,
    FILE_TITLES,
    PredictionColumns,
    find_prediction_columns,
)


@pytest.mark.parametrize(
    ("titles", "found"),
    [
        # The rows of predict, and what evaluate writes.
        ("file,age,age_range,gender,p_female", ("file", "age", "p_female", None)),
        ("source,file,true_age,predicted_age", ("file", "predicted_age", None, None)),
        # Beside a true age, the plain title is the prediction.
        ("image,true_age,age", ("image", "age", None, None)),
        # A probability says more than a word.
        ("path,predicted_gender,P(female),p_female", ("path", None, "p_female", None)),
        ("path,predicted_gender", ("path", None, None, "predicted_gender")),
        # "file" goes first whatever the order.
        ("name,File,age", ("File", "age", None, None)),
    ],
)
def test_the_columns_of_predictions(titles: str, found: tuple[str | None, ...]) -> None:
    file, age, p_female, gender = found
    assert file is not None
    expected = PredictionColumns(file=file, age=age, p_female=p_female, gender=gender)
    assert find_prediction_columns(titles.split(","), "a.csv") == expected


@pytest.mark.parametrize("title", AGE_TITLES)
@pytest.mark.parametrize("file", FILE_TITLES)
def test_every_title_is_found_in_any_spelling(file: str, title: str) -> None:
    shown = title.replace("_", " ").title()
    assert find_prediction_columns([file.upper(), shown], "a.csv").age == shown


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        ("age,p_female", r"^a\.csv: the column 'file' is missing"),
        ("file,race", "holds no predictions"),
        ("file,predicted_age,age_hat", "has the columns predicted_age and age_hat"),
        ("file,age,predicted_gender", "not clear whether 'age' is a label or a prediction"),
        ("file,gender,true_age,predicted_age", "whether 'gender' is .*rename it to true_gender"),
        ("file,track,age", "rows of videos"),
    ],
)
def test_unclear_columns_are_refused(titles: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_prediction_columns(titles.split(","), "a.csv")
