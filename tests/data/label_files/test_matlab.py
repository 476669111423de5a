"""The MATLAB structure of IMDB-WIKI, on files made after its description."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.io import savemat

from utkage.core.errors import DataError
from utkage.data.label_files import read_label_file
from utkage.data.labels import FaceLabel

FIELDS = {
    "dob": np.array([723671.0, 703186.0, 711677.0, 0.0]),
    "photo_taken": np.array([2009.0, 1964.0, 2008.0, 2000.0]),
    "full_path": np.array(
        ["17/a_1981-05-05_2009.jpg", "48/b.jpg", "12/c.jpg", "12/d.jpg"], dtype=object
    ),
    "gender": np.array([1.0, 0.0, np.nan, 1.0]),
    "face_score": np.array([4.3, 2.6, 1.0, -np.inf]),
}


def saved(**variables: object) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables)
    return buffer.getvalue()


def test_the_structure_of_imdb_wiki() -> None:
    rows = read_label_file(saved(wiki=FIELDS), "wiki.mat").rows
    assert [row.label for row in rows] == [FaceLabel(28, 0), FaceLabel(39, 1), None, None]
    assert "gender ''" in str(rows[2].problem)
    assert "found no face" in str(rows[3].problem)


def test_a_date_of_birth_that_is_none_leaves_the_age_open() -> None:
    fields = {name: values[:1] for name, values in FIELDS.items()}
    (row,) = read_label_file(saved(wiki={**fields, "dob": np.array([3.0])}), "wiki.mat").rows
    assert row.label is None
    assert "age ''" in str(row.problem)


def test_one_picture_without_scores() -> None:
    fields = {name: values[:1] for name, values in FIELDS.items() if name != "face_score"}
    (row,) = read_label_file(saved(imdb=fields), "imdb.mat").rows
    assert (row.path, row.label) == ("17/a_1981-05-05_2009.jpg", FaceLabel(28, 0))


def test_damaged_and_other_files() -> None:
    with pytest.raises(DataError, match=r"wiki\.mat: not a MATLAB file"):
        read_label_file(saved(wiki=FIELDS)[:300], "wiki.mat")
    with pytest.raises(DataError, match=r"other\.mat: holds x, but no structure"):
        read_label_file(saved(x=np.zeros(3)), "other.mat")
