import math
import unicodedata
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.evaluation.inputs.prediction_tables import (
    PredictionTable,
    TableIndex,
    WantedNames,
    read_table,
)
from utkage.evaluation.inputs.table_rows import open_rows

HEAD = "file,age,p_female\n"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,score\na,1\n", "holds no predictions"),
        ("age,p_female\n1,1\n", "the column 'file' is missing"),
        ("file,gender\na,both\n", "line 2: gender 'both' is none of"),
        ("file,predicted_age,age_pred\na,1,2\n", "predicted_age and age_pred"),
        ("file,age,predicted_gender\na,1,male\n", "'age' is a label or a prediction"),
        ("file,age,gender,true_age\na,1,male,3\n", "'gender' is a label or a prediction"),
        ("", "the column 'file' is missing"),
        (HEAD + "a.jpg,old,0.5\n", "line 2: 'old' is not a number from 0 to 150"),
        (HEAD + "a.jpg,20,1.5\n", "'1.5' is not a number from 0 to 1"),
        (HEAD + "a.jpg,nan,0.5\n", "'nan' is not a number"),
        (HEAD + "a.jpg,2_0,0.5\n", "'2_0' is not a number"),
        ("file,predicted_age,Predicted age\n", "has the column Predicted age twice"),
        ("file,predicted_age,file\n", "has the column file twice"),
        (HEAD + "a.jpg,-200,0.5\n", "'-200' is not a number from 0 to 150"),
        (HEAD + "a.jpg,20,0.5\na.jpg,30,0.5\n", "line 3: a.jpg is repeated"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DataError, match=r"theirs\.csv") as caught:
        read_table(table(tmp_path, text))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "file;Predicted age;p_female\na, b.jpg;34,5;0,9\n",
        "sep=;\nfile;predicted_age;p_female\na, b.jpg;34.5;0.9\n",
        "file\tpredicted_age\tp_female\na, b.jpg\t34.5\t0.9\n",
        'file,predicted_age,p_female\n"a, b.jpg","34,5",0.9\n',
    ],
)
def test_tables_that_a_spreadsheet_saved(tmp_path: Path, text: str) -> None:
    path = table(tmp_path, text)
    assert read_table(path).predictions == {"a, b.jpg": (34.5, 0.9)}
    path.write_text(text.replace("34", "340"), encoding="utf-8")
    with pytest.raises(DataError, match=f"line {text.count(chr(10))}: '340.5' is not a number"):
        read_table(path)


def test_predictions_of_evaluate_are_read_by_what_was_predicted(tmp_path: Path) -> None:
    text = "source,file,age,gender,predicted_age,p_female\nset,a.jpg,20,female,31,0.9\n"
    assert read_table(table(tmp_path, text)).predictions == {"a.jpg": (31.0, 0.9)}


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("file,true_age,true_gender,predicted_age,p_female", "a.jpg,20,male,31,0.9"),
        ("file,age,true_age,p_female", "a.jpg,31,20,0.9"),
        ("Path,Age,P_Female,real_age", "a.jpg,31,0.9,20"),
        ("filename,age_pred,age,p_female", "a.jpg,31,20,0.9"),
        ("image,Predicted Age,gender,p_female", "a.jpg,31,male,0.9"),
    ],
)
def test_predictions_are_found_beside_labels(tmp_path: Path, header: str, line: str) -> None:
    found = read_table(table(tmp_path, f"{header}\n{line}\n"))
    assert found.predictions == {"a.jpg": (31.0, 0.9)}


def test_labels_in_the_place_of_predictions_are_not_read_as_such(tmp_path: Path) -> None:
    text = "file,true_age,true_gender,p_female\na.jpg,20,male,0.9\n"
    (prediction,) = read_table(table(tmp_path, text)).predictions.values()
    assert math.isnan(prediction[0])


def test_names_match_whatever_folders_come_first() -> None:
    decomposed = unicodedata.normalize("NFD", "é.jpg")
    found = TableIndex(
        PredictionTable(
            predictions={
                "/home/me/set/a/1.jpg": (1, 0.1),
                "C:\\faces\\set\\b\\1.jpg": (2, 0.2),
                "./set/2.jpg": (3, 0.3),
                f"x/{decomposed}": (4, 0.4),
                "5.jpg": (5, 0.5),
            }
        )
    ).find
    names = ("a/1.jpg", "b/1.jpg", "1.jpg", "2.jpg", "é.jpg", "other/5.jpg", "c/1.jpg", "6.jpg")
    ages = [prediction and prediction[0] for prediction in (found("set", name) for name in names)]
    assert ages == [1, 2, None, 3, 4, 5, None, None]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{}", "not a list of rows"),
        ("a.json", "[", "not JSON"),
        ("a.jsonl", '{"file": "a", "age": 3}\n\n{"file": "b', "line 3: not JSON"),
        ("a.jsonl", '{"file": "a", "years": 1}', "holds no predictions"),
        ("a.jsonl", '{"file": "a", "age": "old", "p_female": 1}', "row 1: 'old' is not a number"),
        ("a.csv", "file,track,age,p_female\na.mp4,1,20,0.5\n", "rows of videos"),
        ("a.parquet", "PAR1", "not a Parquet file"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_only_wanted_predictions_are_kept_and_all_rows_are_checked(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é.jpg")
    names = ("/home/me/set/a/1.jpg", "C:\\faces\\a\\1.jpg", "2.jpg", f"x/{decomposed}", "x/3.jpg")
    rows = "".join(f"{name},{age},0.5\n" for age, name in enumerate(names))
    path = table(tmp_path, HEAD + rows)
    faces = [("set", "a/1.jpg"), ("set", "b/2.jpg"), ("set", "é.jpg"), ("set", "y/3.jpg")]
    wanted = WantedNames(faces)
    kept = read_table(path, wanted)
    assert set(kept.predictions) == set(names[:4])
    found, reduced = TableIndex(read_table(path)).find, TableIndex(kept, wanted).find
    assert [found(*face) for face in faces] == [reduced(*face) for face in faces]
    path.write_text(HEAD + rows + "x/4.jpg,old,0.5\n", encoding="utf-8")
    for few in (wanted, ()):
        with pytest.raises(DataError, match="'old' is not a number"):
            read_table(path, few)


def test_parquet_is_read_in_batches_of_the_needed_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import Table, parquet

    monkeypatch.setattr("utkage.evaluation.inputs.table_rows._BATCH_ROWS", 7)
    count = 100
    columns = {
        "file": [f"set/{index // 2}.jpg" for index in range(count)],
        "face": [1, 2] * (count // 2),
        "status": ["ok"] * count,
        "age": [float(index % 90) for index in range(count)],
        "p_female": [0.5] * count,
        "landmarks": [[[0.0, 1.0]] * 5] * count,
    }
    parquet.write_table(Table.from_pydict(columns), tmp_path / "rows.parquet")
    rows = open_rows(tmp_path / "rows.parquet")
    assert list(rows.titles) == list(columns)
    placed = list(rows.rows(["file", "age"]))
    assert placed[50] == ("row 51", {"file": "set/25.jpg", "age": 50.0})
    assert len(placed) == count
    found = read_table(tmp_path / "rows.parquet").predictions
    assert len(found) == count // 2
    assert found["set/25.jpg"] == (50.0, 0.5)
    columns["age"][93] = 400.0
    parquet.write_table(Table.from_pydict(columns), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"rows\.parquet, row 94: '400\.0' is not a number"):
        read_table(tmp_path / "rows.parquet")


def test_probabilities_at_a_threshold_are_read_beside_it(tmp_path: Path) -> None:
    text = "file,age,p_female,threshold,p_at_least\na.jpg,31,0.9,18,0.8\nb.jpg,3,0.1,18,\n"
    found = read_table(table(tmp_path, text))
    assert found.threshold == 18
    assert found.predictions["a.jpg"] == (31.0, 0.9, 0.8)
    assert math.isnan(found.predictions["b.jpg"][2])
    assert read_table(table(tmp_path, text), wanted=()).threshold == 18


@pytest.mark.parametrize(
    "lines", ["a.jpg,31,18,0.8\nb.jpg,3,21,0.1\n", "a.jpg,31,,\n", "a.jpg,31,17.5,0.8\n"]
)
def test_probabilities_without_one_whole_threshold_are_ignored(tmp_path: Path, lines: str) -> None:
    found = read_table(table(tmp_path, f"file,age,threshold,p_at_least\n{lines}"))
    assert found.threshold is None
    assert {len(prediction) for prediction in found.predictions.values()} == {2}


def test_probabilities_beyond_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: '1\.8' is not a number from 0 to 1"):
        read_table(table(tmp_path, "file,age,threshold,p_at_least\na.jpg,31,18,1.8\n"))
