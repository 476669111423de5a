import unicodedata
from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.prediction_sources import PredictionSource
from utkage.evaluation.prediction_tables import TableIndex, is_table, read_table
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.row_list import Rows
from utkage.prediction.rows import FaceRow

HEAD = "file,age,p_female\n"


def faces_of(count: int, seed: int = 0) -> LabelledChips:
    from utkage.faces.contract import utkface_contract

    random = np.random.default_rng(seed)
    return LabelledChips(
        pixels=np.zeros((count, 8, 8, 3), dtype=np.uint8),
        rows=np.arange(count),
        sources=("set",) * count,
        names=tuple(f"folder/{index}.jpg" for index in range(count)),
        ages=random.integers(0, 90, count),
        genders=np.arange(count) % 2,
        races=np.full(count, -1),
        pixel_hashes=tuple(f"{index:08x}" for index in range(count)),
        contract=utkface_contract(64),
    )


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_found_by_name(tmp_path: Path) -> None:
    lines = "2.jpg,31.5,0.9\nset/folder/0.jpg,20,0.1\nfolder/1.jpg,40,0.2\nother.jpg,1,1\n"
    path = table(tmp_path, "\ufeff" + HEAD + lines)
    source = PredictionSource(weights=LoadedWeights(path, ""), table=read_table(path))
    found = source.predict(faces_of(4), SilentReporter())
    assert found.names == ("folder/0.jpg", "folder/1.jpg", "folder/2.jpg")
    assert found.age.tolist() == [20, 40, 31.5]
    assert found.p_female.tolist() == [0.1, 0.2, 0.9]
    assert found.range_index.tolist() == [3, 5, 4]
    assert found.predictions is None
    assert source.card is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,age\na,1\n", "the column 'p_female' is missing"),
        ("", "the column 'file' is missing"),
        (HEAD + "a.jpg,old,0.5\n", "line 2: 'old' is not a number from 0 to 150"),
        (HEAD + "a.jpg,20,1.5\n", "'1.5' is not a number from 0 to 1"),
        (HEAD + "a.jpg,nan,0.5\n", "'nan' is not a number"),
        (HEAD + "a.jpg,20\n", "'' is not a number"),
        (HEAD + "a.jpg,20,0.5\na.jpg,30,0.5\n", "line 3: a.jpg is repeated"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=r"theirs\.csv") as caught:
        read_table(table(tmp_path, text))
    assert said in str(caught.value)


def test_a_table_of_other_faces(tmp_path: Path) -> None:
    source = PredictionSource(
        weights=LoadedWeights(tmp_path / "x.csv", ""), table={"z.jpg": (1, 0.5)}
    )
    with pytest.raises(DataError, match=r"none of the 3 faces.*folder/0\.jpg"):
        source.predict(faces_of(3), SilentReporter())


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
    source = PredictionSource(weights=LoadedWeights(path, ""), table=read_table(path))
    found = source.predict(faces_of(5), SilentReporter())
    assert found.names == ("folder/0.jpg", "folder/3.jpg")
    assert found.age.tolist() == [31.5, 31.5]
    assert found.p_female.tolist() == [0.9, 0.25]


def test_rows_that_powershell_redirected(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(Rows(ROWS).to_csv().replace("\n", "\r\n").encode("utf-16"))
    assert set(read_table(path)) == {"photos/folder/0.jpg", "photos/folder/3.jpg"}


def test_predictions_of_evaluate_are_read_by_what_was_predicted(tmp_path: Path) -> None:
    text = "source,file,age,gender,predicted_age,p_female\nset,a.jpg,20,female,31,0.9\n"
    assert read_table(table(tmp_path, text)) == {"a.jpg": (31.0, 0.9)}


def test_names_match_whatever_folders_come_first() -> None:
    decomposed = unicodedata.normalize("NFD", "é.jpg")
    found = TableIndex(
        {
            "/home/me/set/a/1.jpg": (1, 0.1),
            "C:\\faces\\set\\b\\1.jpg": (2, 0.2),
            "./set/2.jpg": (3, 0.3),
            f"x/{decomposed}": (4, 0.4),
            "5.jpg": (5, 0.5),
        }
    ).find
    names = ("a/1.jpg", "b/1.jpg", "1.jpg", "2.jpg", "é.jpg", "other/5.jpg", "c/1.jpg", "6.jpg")
    ages = [prediction and prediction[0] for prediction in (found("set", name) for name in names)]
    assert ages == [1, 2, None, 3, 4, 5, None, None]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{}", "not a list of rows"),
        ("a.json", "[", "not JSON"),
        ("a.jsonl", '{"file": "a", "age": 1}', "'p_female' is missing"),
        ("a.jsonl", '{"file": "a", "age": null, "p_female": 1}', "row 1: '' is not a number"),
        ("a.csv", "file,track,age,p_female\na.mp4,1,20,0.5\n", "rows of videos"),
        ("a.parquet", "PAR1", "not a Parquet file"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)
