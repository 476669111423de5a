from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.prediction_sources import PredictionSource, read_table
from utkage.models.weights_files import LoadedWeights

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
