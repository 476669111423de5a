"""The folds of Adience: the path is made of three columns, and either label may be unknown."""

from __future__ import annotations

import pytest

from utkage.data.label_files import read_label_file
from utkage.data.label_files.adience import AdienceFold
from utkage.data.label_files.registry import layout_of
from utkage.data.label_files.settings import LabelSettings
from utkage.data.labels import AgeRange, FaceLabel

TITLES = ("user_id", "original_image", "face_id", "age", "gender", "x", "y")
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


def test_further_columns_are_kept_as_of_any_label_file() -> None:
    rows = read_label_file(FOLD.encode(), "fold_0_data.txt").rows
    assert rows[0].attributes == {"x": "0", "y": "414"}
    only = LabelSettings(keep_columns=("y",))
    found = read_label_file(FOLD.encode(), "fold_0_data.txt", only)
    assert found.rows[3].attributes == {"y": "414"}
    assert found.further.others == ("x", "y")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("\t1_o.jpg\t1\t(25, 32)\tf", "the path is missing"),
        ("u\t1_o.jpg\t\t(25, 32)\tf", "the path is missing"),
        ("u\t1_o.jpg\t1\t(25, 32)\tx", "gender 'x' is none of f, m, u"),
        ("u\t1_o.jpg\t1\t(32, 25)\tf", "ends before it starts"),
    ],
)
def test_lines_that_cannot_be_used(line: str, problem: str) -> None:
    header = "\t".join(TITLES[:5])
    (row,) = read_label_file(f"{header}\n{line}\n".encode(), "fold_0_data.txt").rows
    assert row.label is None
    assert problem in str(row.problem)


def test_chosen_columns_and_missing_ones_are_left_to_the_common_layout() -> None:
    assert isinstance(layout_of(TITLES, LabelSettings()), AdienceFold)
    fold = AdienceFold()
    assert fold.fit(TITLES, LabelSettings()) == len(TITLES)
    assert fold.fit(TITLES[1:], LabelSettings()) == 0
    assert fold.fit(TITLES, LabelSettings(columns={"age": "x"})) == 0
