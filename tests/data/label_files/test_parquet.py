"""Parquet tables with pictures, with paths, and without the package that reads them."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from utkage.core.errors import DataError
from utkage.data.label_files import read_label_file
from utkage.data.labels import AgeRange, FaceLabel


def saved(columns: dict[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), buffer)
    return buffer.getvalue()


def test_parquet_with_pictures_and_class_labels() -> None:
    features = {
        "age": {"_type": "ClassLabel", "names": ["0-2", "3-9", "more than 70"]},
        "gender": {"_type": "ClassLabel", "names": ["Male", "Female"]},
    }
    content = saved(
        {
            "image": [{"bytes": b"A", "path": "a.jpg"}, {"bytes": b"B", "path": None}],
            "age": [1, 2],
            "gender": [1, 0],
        },
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    first, second = read_label_file(content, "train.parquet").rows
    assert first.label == FaceLabel(None, 1, None, AgeRange(3, 9))
    assert second.label == FaceLabel(None, 0, None, AgeRange(71, 116))
    assert first.picture is not None
    assert second.picture is not None
    assert (first.path, first.picture()) == ("000001-a.jpg", b"A")
    assert (second.path, second.picture()) == ("row-000002", b"B")


def test_pictures_as_bytes_with_their_names() -> None:
    content = saved({"file_name": ["x.jpg"], "jpg": [b"A"], "age": [7], "gender": ["f"]})
    (row,) = read_label_file(content, "t.parquet").rows
    assert row.picture is not None
    assert (row.path, row.picture(), row.label) == ("x.jpg", b"A", FaceLabel(7, 1))


@pytest.mark.parametrize("metadata", [None, {"huggingface": "{"}, {"huggingface": '{"info": 1}'}])
def test_paths_without_pictures(metadata: dict[str, str] | None) -> None:
    content = saved({"path": ["a.jpg", "b.jpg"], "age": [7, None], "sex": ["m", "f"]}, metadata)
    first, second = read_label_file(content, "t.parquet").rows
    assert (first.path, first.label, first.picture) == ("a.jpg", FaceLabel(7, 0), None)
    assert "age ''" in str(second.problem)


def test_the_content_decides_and_damage_is_an_error() -> None:
    content = saved({"path": ["a.jpg"], "age": [7]})
    (row,) = read_label_file(content, "t.csv").rows
    assert row.label == FaceLabel(7, None)
    with pytest.raises(DataError, match=r"t\.parquet: damaged Parquet file"):
        read_label_file(content[:-20], "t.parquet")


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"pip install 'utkage\[parquet\]'"):
        read_label_file(b"PAR1....", "train.parquet")
