"""Files whose input or outputs are not those of an export are refused, with what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from constant_onnx import possible_outputs, write_constant_onnx
from onnx import TensorProto

from utkage.core.errors import UtkageError, WeightsError
from utkage.models.card import Card
from utkage.models.onnx_session import run_session
from utkage.prediction.onnx_predictor import open_onnx_file

CHIPS = np.zeros((3, 64, 64, 3), np.uint8)


def test_a_constant_file_predicts(card: Card, tmp_path: Path) -> None:
    path = write_constant_onnx(tmp_path / "x.onnx", card, possible_outputs())
    found = open_onnx_file(path, 1).predict_chips(CHIPS)
    assert found.age.tolist() == [30, 30, 30]
    assert found.possible.all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_name": "pictures"}, "its inputs are pictures, not chips"),
        ({"input_type": TensorProto.FLOAT}, r"input chips is tensor.float. .*not tensor.uint8."),
        ({"size": 32}, r"its input chips is .*\(N, 64, 64, 3\)"),
    ],
)
def test_other_inputs_are_refused(
    options: dict[str, Any], message: str, card: Card, tmp_path: Path
) -> None:
    path = write_constant_onnx(tmp_path / "x.onnx", card, possible_outputs(), **options)
    with pytest.raises(WeightsError, match=rf"x\.onnx: .*{message}"):
        open_onnx_file(path, 1)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("age", None, "has no output age, only age_distribution"),
        ("p_female", None, "has no output p_female"),
        ("age", np.float32([[30.0]]), "its output age is"),
        ("age", np.array([30]), r"its output age is tensor.int64. .*not tensor.float. \(N\)"),
        ("age_distribution", np.ones((1, 116), np.float32), r"not tensor.float. \(N, 117\)"),
        ("range_probabilities", np.ones((1, 8), np.float32), "its output range_probabilities is"),
    ],
)
def test_other_outputs_are_refused(
    name: str, array: Any, message: str, card: Card, tmp_path: Path
) -> None:
    outputs = possible_outputs()
    if array is None:
        del outputs[name]
    else:
        outputs[name] = array
    path = write_constant_onnx(tmp_path / "x.onnx", card, outputs)
    with pytest.raises(WeightsError, match=message):
        open_onnx_file(path, 1)


def test_another_number_of_predictions_than_chips_is_refused(card: Card, tmp_path: Path) -> None:
    path = write_constant_onnx(tmp_path / "x.onnx", card, possible_outputs(), repeated=False)
    predictor = open_onnx_file(path, 1)
    with pytest.raises(WeightsError, match=r"x\.onnx: its output age is \(1,\) for 3 chips"):
        predictor.predict_chips(CHIPS)


class FailingSession:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, names: Any, inputs: Any) -> Any:
        raise self.error


def test_errors_of_the_runtime_are_one_line_and_memory_says_what_to_lower() -> None:
    for message in ("std::bad_alloc", "Failed to allocate memory for requested buffer of size 9"):
        with pytest.raises(UtkageError, match=r"x: out of memory; predict fewer.*`workers`"):
            run_session(FailingSession(RuntimeError(message)), CHIPS, Path("x"))
    with pytest.raises(WeightsError, match=r"x: cannot be run on chips \(3, .*\(a b\); export"):
        run_session(FailingSession(RuntimeError("a\nb")), CHIPS, Path("x"))


def test_damaged_files_are_refused(card: Card, tmp_path: Path) -> None:
    path = write_constant_onnx(tmp_path / "x.onnx", card, possible_outputs())
    content = path.read_bytes()
    for damaged in (b"", b"hello", content[:-50], content.replace(b"Expand", b"Exxand")):
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"x\.onnx: "):
            open_onnx_file(path, 1)
