"""Formats and layouts of single data sets, on files made after their descriptions."""

import io
import json
import sys

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.data.label_files import read_label_file
from utkage.data.labels import AgeRange, FaceLabel
from utkage.images.decode import load_image

FOLD = """user_id\toriginal_image\tface_id\tage\tgender\tx\ty
30601258@N03\t10399_o.jpg\t1\t(25, 32)\tf\t0\t414
30601258@N03\t10424_o.jpg\t2\t35\tm\t0\t414
30601258@N03\t10899_o.jpg\t3\tNone\tm\t0\t414
30601258@N03\t10900_o.jpg\t4\t(60, 100)\tu\t0\t414
30601258@N03\t10901_o.jpg\t5\tNone\tu\t0\t414
30601258@N03\t10902_o.jpg\t6\told\tf\t0\t414
"""


def test_a_fold_of_adience() -> None:
    rows = read_label_file(FOLD.encode(), "fold_0_data.txt").rows
    assert rows[0].path == "30601258@N03/landmark_aligned_face.1.10399_o.jpg"
    assert rows[0].other_paths == ("30601258@N03/coarse_tilt_aligned_face.1.10399_o.jpg",)
    assert [row.label for row in rows[:4]] == [
        FaceLabel(None, 1, None, AgeRange(25, 32)),
        FaceLabel(35, 0),
        FaceLabel(None, 0),
        FaceLabel(None, None, None, AgeRange(60, 100)),
    ]
    assert [str(row.problem)[:9] for row in rows[4:]] == ["a label n", "age 'old'"]


def test_labels_of_fairface() -> None:
    text = "file,age,gender,race,service_test\nval/1.jpg,3-9,Male,East Asian,False\n"
    text += "val/2.jpg,more than 70,Female,White,True\n"
    found = read_label_file(text.encode(), "fairface_label_val.csv")
    assert [row.label for row in found.rows] == [
        FaceLabel(None, 0, None, AgeRange(3, 9)),
        FaceLabel(None, 1, 0, AgeRange(71, 116)),
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_as_pixels(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, channels), dtype=np.uint8)
    text = " ".join(map(str, pixels.ravel()))
    table = (
        f"age,ethnicity,gender,img_name,pixels\n25,2,1,25_1_2_2016.jpg,{text}\n26,2,1,b.jpg,1 2\n"
    )
    good, bad = read_label_file(table.encode(), "age_gender.csv").rows
    assert (good.label, good.is_chip) == (FaceLabel(25, 1, 2), True)
    assert good.picture is not None
    assert bad.picture is not None
    decoded = load_image(good.picture())
    assert np.array_equal(decoded, np.broadcast_to(pixels, (48, 48, 3)))
    assert bad.picture() == b""


def test_the_structure_of_imdb_wiki() -> None:
    from scipy.io import savemat

    paths = np.array(["17/a_1981-05-05_2009.jpg", "48/b.jpg", "12/c.jpg", "12/d.jpg"], dtype=object)
    fields = {
        "dob": np.array([723671.0, 703186.0, 711677.0, 0.0]),
        "photo_taken": np.array([2009.0, 1964.0, 2008.0, 2000.0]),
        "full_path": paths,
        "gender": np.array([1.0, 0.0, np.nan, 1.0]),
        "face_score": np.array([4.3, 2.6, 1.0, -np.inf]),
    }
    buffer = io.BytesIO()
    savemat(buffer, {"wiki": fields})
    rows = read_label_file(buffer.getvalue(), "wiki.mat").rows
    assert [row.label for row in rows] == [FaceLabel(28, 0), FaceLabel(39, 1), None, None]
    assert "gender ''" in str(rows[2].problem)
    assert "found no face" in str(rows[3].problem)
    with pytest.raises(DataError, match="not a MATLAB file"):
        read_label_file(buffer.getvalue()[:300], "wiki.mat")
    savemat(buffer := io.BytesIO(), {"x": np.zeros(3)})
    with pytest.raises(DataError, match="holds x, but no structure"):
        read_label_file(buffer.getvalue(), "other.mat")


def test_parquet_with_pictures_and_class_labels() -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    features = {
        "age": {"_type": "ClassLabel", "names": ["0-2", "3-9", "more than 70"]},
        "gender": {"_type": "ClassLabel", "names": ["Male", "Female"]},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table(
        {
            "image": [{"bytes": b"A", "path": "a.jpg"}, {"bytes": b"B", "path": None}],
            "age": [1, 2],
            "gender": [1, 0],
        }
    ).replace_schema_metadata(metadata)
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    first, second = read_label_file(buffer.getvalue(), "train.parquet").rows
    assert first.label == FaceLabel(None, 1, None, AgeRange(3, 9))
    assert second.label == FaceLabel(None, 0, None, AgeRange(71, 116))
    assert first.picture is not None
    assert (first.path, first.picture()) == ("000001-a.jpg", b"A")


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"pip install 'utkage\[parquet\]'"):
        read_label_file(b"PAR1....", "train.parquet")


@pytest.mark.parametrize(("name", "text"), [("t.xlsx", "Excel"), ("t.pkl", "pickle")])
def test_other_files_say_what_to_do(name: str, text: str) -> None:
    with pytest.raises(DataError, match=f"{text}.*CSV"):
        read_label_file(b"PK\x03\x04", name)


def test_json_in_three_forms() -> None:
    rows = [{"file_name": "a.jpg", "age": 25, "sex": "F"}]
    for name, text in (
        ("t.jsonl", json.dumps(rows[0])),
        ("t.json", json.dumps(rows)),
        ("t.json", json.dumps({"version": 1, "annotations": rows})),
        ("t.json", json.dumps({"a.jpg": {"age": 25, "sex": "F"}})),
    ):
        (row,) = read_label_file(text.encode(), name).rows
        assert (row.path, row.label) == ("a.jpg", FaceLabel(25, 1))
