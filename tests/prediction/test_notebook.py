"""Rows in a notebook: pictures with boxes, a table, and nothing that a name could inject."""

from __future__ import annotations

import base64
import io
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.prediction.notebook import MOST_ROWS, rows_html
from utkage.prediction.row_list import Rows, row_table
from utkage.prediction.rows import FaceRow

FACE = FaceRow(
    *("couple.jpg", "ok"),
    **{"face": 1, "faces": 1, "box": (200.0, 100.0, 300.0, 220.0), "age": 31.0, "age_low": 25.0},
    **{"age_high": 38.0, "range": "26-35", "range_probability": 0.6, "gender": "female"},
    **{"p_female": 0.95, "interval_level": 0.8},
)


@pytest.fixture
def face(examples: Path, tmp_path: Path) -> FaceRow:
    shutil.copy(examples / "couple.jpg", tmp_path / "couple.jpg")
    return replace(FACE, file=str(tmp_path / "couple.jpg"))


def _pictures(page: str) -> list[Image.Image]:
    return [
        Image.open(io.BytesIO(base64.b64decode(content)))
        for content in re.findall(r"base64,([^\"]+)", page)
    ]


def test_a_picture_with_its_box(face: FaceRow, examples: Path) -> None:
    page = Rows([face])._repr_html_()
    (shown,) = _pictures(page)
    assert shown.width == 360
    with Image.open(examples / "couple.jpg") as original:
        plain = original.convert("RGB").resize(shown.size)
        scale = shown.width / original.width
    drawn = np.abs(np.asarray(shown, float) - np.asarray(plain, float)).sum(axis=2) > 200
    x0, y0, _, y1 = (round(value * scale) for value in face.box or ())
    assert drawn[y0 : y1 + 1, x0 - 1 : x0 + 2].any(axis=1).mean() > 0.8, "the left edge of the box"
    assert not drawn[-20:, -20:].any()
    assert "<td>female (95.0%)</td>" in page
    assert '<td style="text-align:right">31</td>' in page


def test_pictures_that_are_gone_are_left_out(face: FaceRow) -> None:
    rows = Rows([face, replace(face, file="t.tar/a.jpg"), FaceRow("b.jpg", "no_face", faces=0)])
    Path(face.file).unlink()
    page = rows._repr_html_()
    assert not _pictures(page)
    assert page.count("<tr>") == 4


def test_another_picture_under_the_same_name_is_left_out(face: FaceRow) -> None:
    Image.new("RGB", (50, 50)).save(face.file)
    assert not _pictures(Rows([face])._repr_html_())


def test_names_are_text(face: FaceRow) -> None:
    path = Path(face.file).with_name('<b onload="x">.jpg')
    Path(face.file).rename(path)
    page = Rows([replace(face, file=str(path))])._repr_html_()
    assert len(_pictures(page)) == 1
    assert "<b" not in page.replace("<body", "")
    assert 'onload="x"' not in page


def test_long_tables_end(face: FaceRow) -> None:
    page = Rows([face] * (MOST_ROWS + 3))._repr_html_()
    assert page.count("<tr>") == MOST_ROWS + 1
    assert len(_pictures(page)) == 1
    assert "<p>and 3 more rows</p>" in page


def test_many_rows_without_pictures_take_no_time() -> None:
    rows = tuple(FaceRow(f"a.tar/{number}.jpg", "no_face", faces=0) for number in range(60_000))
    started = time.process_time()
    assert "and 59,940 more rows" in rows_html(rows, row_table(rows[:60]))
    # Looking through all rows for each file would take minutes.
    assert time.process_time() - started < 5
