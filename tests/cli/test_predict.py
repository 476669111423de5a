"""``utkage predict`` as it is typed: rows and exit codes of pictures that cannot be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from one_line_errors import assert_one_line_error
from PIL import Image

Invoke = Callable[..., Any]


def test_predict_a_missing_file_is_a_row(invoke: Invoke) -> None:
    result = invoke("predict", "missing.jpg", "--json")
    assert result.exit_code == 3
    (row,) = json.loads(result.stdout)
    assert row["status"] == "failed"
    assert row["file"] == "missing.jpg"
    assert "no such file" in row["reason"].lower()


def test_predict_a_text_file_called_jpg(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("I am a text")
    result = invoke("predict", "notes.jpg", examples / "portrait.jpg", "--json")
    assert result.exit_code == 3
    bad, good = json.loads(result.stdout)
    assert (bad["status"], bad["age"]) == ("failed", None)
    assert "notes.jpg" in bad["reason"]
    assert good["status"] == "ok"


def test_predict_an_empty_folder(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_one_line_error(invoke("predict", "empty"), 2, "empty")


def test_predict_a_photo_without_a_face_is_no_failure(invoke: Invoke, examples: Path) -> None:
    result = invoke("predict", examples / "landscape.jpg", "--json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert (row["status"], row["face"], row["reason"]) == ("no_face", None, None)


def test_predict_with_json_and_csv(invoke: Invoke, examples: Path) -> None:
    assert_one_line_error(
        invoke("predict", examples / "portrait.jpg", "--json", "--csv"), 2, "--json", "--csv"
    )


def test_a_picture_too_wide_for_jpeg_ends_nothing(
    invoke: Invoke, examples: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (70_000, 40)).save(tmp_path / "a.png")
    shutil.copyfile(examples / "portrait.jpg", tmp_path / f"{'x' * 246}.jpg")
    arguments = ["predict", "a.png", f"{'x' * 246}.jpg", "--save-images", "copies"]
    result = invoke(*arguments, "--out", "rows.jsonl")
    assert result.exit_code == 3, result.stderr
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["no_face", "ok"]
    copies = [path.name for path in (tmp_path / "copies").iterdir()]
    if len(copies) == 1:
        assert "too many for JPEG" in result.stderr
        assert "1 picture could not be written; all rows are complete" in result.stderr
    resumed = invoke(*arguments, "--out", "rows.jsonl", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 2


def test_names_that_look_like_formulas(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    shutil.copyfile(examples / "landscape.jpg", tmp_path / "=1+1.jpg")
    for option in ([], ["--csv-safe"]):
        printed = invoke("predict", "=1+1.jpg", "--csv", *option).stdout
        assert printed.splitlines()[1].startswith("'=1+1.jpg," if option else "=1+1.jpg,")
        assert invoke("predict", "=1+1.jpg", "--out", "x.csv", *option).exit_code == 0
        assert (tmp_path / "x.csv").read_text() == printed
