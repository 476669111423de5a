"""``utkage predict`` as it is typed: rows and exit codes of pictures that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from one_line_errors import assert_one_line_error

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
