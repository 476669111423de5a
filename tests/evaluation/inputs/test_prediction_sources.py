from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from labelled_chips import faces_of

from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.evaluation.inputs.labelled_predictions import AGE, GENDER, LabelledPredictions
from utkage.evaluation.inputs.prediction_sources import PredictionSource
from utkage.evaluation.inputs.prediction_tables import is_table, read_table
from utkage.evaluation.metrics.registry import statistics
from utkage.evaluation.metrics.scores import score_predictions
from utkage.evaluation.reports.result_files import prediction_rows
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.row_list import Rows
from utkage.prediction.rows import FaceRow


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


HEAD = "file,age,p_female\n"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_found_by_name(tmp_path: Path) -> None:
    lines = "2.jpg,31.5,0.9\nset/folder/0.jpg,20,0.1\nfolder/1.jpg,40,0.2\nother.jpg,1,1\n"
    path = table(tmp_path, "\ufeff" + HEAD + lines)
    source = PredictionSource(weights=LoadedWeights(path, ""), table=path)
    found = source.predict(faces_of(4), SilentReporter())
    assert found.names == ("folder/0.jpg", "folder/1.jpg", "folder/2.jpg")
    assert found.age.tolist() == [20, 40, 31.5]
    assert found.p_female.tolist() == [0.1, 0.2, 0.9]
    assert found.range_index.tolist() == [3, 5, 4]
    assert found.predictions is None
    assert source.card is None


def test_a_table_of_other_faces(tmp_path: Path) -> None:
    path = table(tmp_path, HEAD + "z.jpg,1,0.5\n")
    source = PredictionSource(weights=LoadedWeights(path, ""), table=path)
    with pytest.raises(DataError, match=r"none of the 3 faces.*folder/0\.jpg"):
        source.predict(faces_of(3), SilentReporter())


def test_a_row_that_fits_two_pictures_is_refused(tmp_path: Path) -> None:
    """Two data sets may have files of the same names; a table must say whose prediction it has."""
    faces = faces_of(2)
    faces = replace(faces, sources=("a", "b"), names=("1.jpg", "1.jpg"))
    path = table(tmp_path, HEAD + "1.jpg,31.5,0.9\n")
    source = PredictionSource(weights=LoadedWeights(path, ""), table=path)
    with pytest.raises(DataError, match=r"one row fits both a/1\.jpg and b/1\.jpg; write their"):
        source.predict(faces, SilentReporter())
    # A copy of the picture has the same prediction.
    copies = replace(faces, pixel_hashes=faces.pixel_hashes[:1] * 2)
    assert source.predict(copies, SilentReporter()).age.tolist() == [31.5, 31.5]
    table(tmp_path, HEAD + "x/a/1.jpg,31.5,0.9\nx/b/1.jpg,31.5,0.9\n")
    assert source.predict(faces, SilentReporter()).age.tolist() == [31.5, 31.5]
    # A picture that is missing does not get the row of another data set.
    table(tmp_path, HEAD + "x/b/1.jpg,31.5,0.9\n")
    assert source.predict(faces, SilentReporter()).sources == ("b",)


FOUND = {"age": 31.5, "age_low": 20.0, "age_high": 40.0, "gender": "female", "p_female": 0.9}
ROWS = [
    FaceRow("photos/folder/0.jpg", "ok", face=1, faces=2, **FOUND),
    FaceRow("photos/folder/0.jpg", "ok", face=2, faces=2, **{**FOUND, "age": 5.0}),
    FaceRow("photos/folder/1.jpg", "no_face", faces=0),
    FaceRow("photos/folder/2.jpg", "failed", "photos/folder/2.jpg: damaged"),
    FaceRow("photos/folder/3.jpg", "ok", face=1, faces=1, **{**FOUND, "p_female": 0.25}),
]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet", ".CSV"])
def test_rows_of_predict_are_a_table(tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"rows{suffix}"
    Rows(ROWS).save(path)
    assert is_table(path)
    source = PredictionSource(weights=LoadedWeights(path, ""), table=path)
    found = source.predict(faces_of(5), SilentReporter())
    assert found.names == ("folder/0.jpg", "folder/3.jpg")
    assert found.age.tolist() == [31.5, 31.5]
    assert found.p_female.tolist() == [0.9, 0.25]


def test_rows_that_powershell_redirected(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(Rows(ROWS).to_csv().replace("\n", "\r\n").encode("utf-16"))
    assert set(read_table(path).predictions) == {"photos/folder/0.jpg", "photos/folder/3.jpg"}


def predicted_by(path: Path, count: int) -> tuple[LabelledPredictions, list[str]]:
    listener = Listener()
    source = PredictionSource(weights=LoadedWeights(path, ""), table=path)
    return source.predict(faces_of(count), listener), listener.warnings


def test_a_table_of_ages_alone_has_the_metrics_of_ages(tmp_path: Path) -> None:
    rows = "".join(f"{index}.jpg,{age}\n" for index, age in enumerate((20, -3.5, 40)))
    found, warnings = predicted_by(table(tmp_path, f"file,age\n{rows}"), 4)
    assert found.age.tolist() == [20, 0, 40]
    assert np.isnan(found.p_female).all()
    metrics = score_predictions(found)
    assert metrics.mae is not None
    assert (metrics.n, metrics.gender_accuracy) == (3, None)
    assert "1 age below 0 counted as 0" in warnings[0]
    assert "no predicted gender" in warnings[1]
    assert [row[10] for row in prediction_rows(found)] == ["", "", ""]


def test_a_table_of_genders_alone_has_the_metrics_of_genders(tmp_path: Path) -> None:
    path = table(tmp_path, "file,p_female\n0.jpg,0.1\n1.jpg,0.9\n2.jpg,0.8\n")
    found, warnings = predicted_by(path, 3)
    metrics = score_predictions(found)
    assert (metrics.mae, metrics.bias) == (None, None)
    assert metrics.gender_accuracy == pytest.approx(2 / 3)
    assert len(warnings) == 1
    assert "no predicted age" in warnings[0]
    assert {row[5] for row in prediction_rows(found)} == {""}
    assert {row[9] for row in prediction_rows(found)} == {""}


def test_genders_in_words_have_an_accuracy_but_no_probability(tmp_path: Path) -> None:
    lines = "0.jpg,Man\n1.jpg,Woman\n2.jpg,\n3.jpg,Man\n"
    found, warnings = predicted_by(table(tmp_path, f"Image,Predicted Gender\n{lines}"), 4)
    names = statistics(found)
    assert found.names == ("folder/0.jpg", "folder/1.jpg", "folder/3.jpg")
    assert float(names["gender_accuracy"](None)) == pytest.approx(2 / 3)
    assert not {"gender_auc", "gender_nll", "gender_ece", "mae"} & set(names)
    assert len(warnings) == 1


def test_faces_without_one_of_the_predictions_are_counted(tmp_path: Path) -> None:
    path = table(tmp_path, HEAD + "0.jpg,20,0.5\n1.jpg,,0.5\n2.jpg,30,\n3.jpg,,\n")
    found, warnings = predicted_by(path, 4)
    assert len(found) == 3
    assert [len(found.with_label(label)) for label in (AGE, GENDER)] == [2, 2]
    assert "1 of 3 faces have no predicted age;" in warnings[0]
    assert "1 of 3 faces have no predicted gender;" in warnings[1]
