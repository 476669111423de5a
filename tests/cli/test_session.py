"""Every error is one line that says what, which file and what to do; exit codes as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from one_line_errors import assert_one_line_error
from safetensors.numpy import save_file

Invoke = Callable[..., Any]


def test_prepare_without_data_says_where_it_looked(invoke: Invoke) -> None:
    assert_one_line_error(invoke("prepare"), 2, "Dataset/UTKFace", "UTKFace.tar.gz")


def test_prepare_refuses_a_foreign_folder(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    result = invoke("prepare", examples / "faces", "--out", "mine")
    assert_one_line_error(result, 2, "mine", "empty folder")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_prepare_with_only_bad_names(invoke: Invoke, examples: Path) -> None:
    assert_one_line_error(
        invoke("prepare", examples / "faces"), 1, "faces", "<age>_<gender>_<race>_<date>"
    )


def test_train_on_a_missing_gpu(invoke: Invoke) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    result = invoke("train", "--epochs", 50, "--device", "cuda")
    assert_one_line_error(result, 2, "CUDA", "--device auto")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:1", ""])
def test_unknown_device(invoke: Invoke, device: str) -> None:
    assert_one_line_error(invoke("train", "--device", device), 2, "unknown", "auto")


def test_train_without_data(invoke: Invoke) -> None:
    assert_one_line_error(invoke("train", "--device", "cpu"), 2, "prepared", "utkage prepare")


@pytest.mark.parametrize(
    ("option", "value"), [("--epochs", 0), ("--sizes", "big"), ("--sizes", "8"), ("--lr", -1)]
)
def test_impossible_settings(invoke: Invoke, option: str, value: object) -> None:
    assert_one_line_error(invoke("train", option, value), 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--calibrate", "--weights", "shipped"], ["installation", "--out-weights"]),
        (["--calibrate", "--split", "test"], ["--split val"]),
        (["--out-weights", "x.safetensors"], ["--calibrate"]),
        (["--calibrate", "--weights", "shipped", "--out-weights", "."], ["is a folder"]),
    ],
)
def test_calibrations_that_cannot_be(invoke: Invoke, words: list[str], said: list[str]) -> None:
    assert_one_line_error(invoke("evaluate", *words), 2, *said)


def test_evaluate_without_data(invoke: Invoke) -> None:
    assert_one_line_error(
        invoke("evaluate", "--weights", "shipped"), 2, "prepared", "utkage prepare"
    )


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


def test_weights_that_are_missing(invoke: Invoke, examples: Path) -> None:
    result = invoke("predict", examples / "portrait.jpg", "--weights", "none.safetensors")
    assert_one_line_error(result, 2, "none.safetensors")


def test_weights_of_another_program(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    save_file({"layer": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    result = invoke("predict", examples / "portrait.jpg", "--weights", "other.safetensors")
    assert_one_line_error(result, 1, "other.safetensors", "another program")


def test_weights_that_are_no_safetensors(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"pickle?" * 10)
    result = invoke("info", "w.safetensors")
    assert_one_line_error(result, 1, "w.safetensors", "utkage train")


def test_debug_keeps_the_traceback(invoke: Invoke) -> None:
    result = invoke("info", "none.safetensors", "--debug")
    assert result.exit_code == 2, "as without --debug"
    assert "Traceback" in result.stderr
    assert "UsageError" in result.stderr


def test_export_into_an_unknown_format(invoke: Invoke) -> None:
    assert_one_line_error(invoke("export", "--format", "tflite"), 2, "tflite", "onnx")
