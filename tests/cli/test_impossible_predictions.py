"""NaN never leaves: weights that predict the impossible give failed rows, never numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import card_of
from constant_onnx import possible_outputs, write_constant_onnx
from one_line_errors import assert_one_line_error
from PIL import Image
from safetensors.numpy import load_file, save_file
from small_sets import write_set

from utkage.images.video_writer import video_file
from utkage.models.card import Card
from utkage.models.locate import shipped_weights
from utkage.models.weights import read_safetensors_card

Invoke = Callable[..., Any]
CARD = card_of("mobilenet_v1", 64)
PREDICT = ("predict", "chip.png", "--crop", "none", "--weights", "bad.safetensors")


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    path = tmp_path / "chip.png"
    Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(path)
    return path


def changed(**values: Any) -> dict[str, Any]:
    outputs = possible_outputs()
    for name, value in values.items():
        outputs[name] = np.broadcast_to(np.float32(value), outputs[name].shape).copy()
    return outputs


IMPOSSIBLE = [
    {"age": math.nan},
    {"age": -5},
    {"age": 1e38},
    {"age": 117.5},
    {"age_distribution": math.nan},
    {"age_distribution": 1.0},
    {"age_distribution": 0.0},
    {"range_probabilities": math.inf},
    {"p_female": math.nan},
    {"p_female": 1.5},
    {"p_female": -1e38},
]


@pytest.mark.parametrize("values", IMPOSSIBLE)
def test_a_picture_fails(values: dict[str, float], invoke: Invoke, chip: Path) -> None:
    path = write_constant_onnx(chip.with_name("x.onnx"), CARD, changed(**values))
    for form in ("--jsonl", "--csv"):
        result = invoke("predict", chip, "--crop", "none", "--weights", path, form)
        assert result.exit_code == 3, result.output
        assert result.stdout.count("failed") == 1
        assert "the weights predict the impossible (age " in result.stdout
        assert not {"NaN", "Infinity"} & set(result.stdout.replace(":", " ").split())
    assert "Warning" not in result.stderr


def test_a_possible_file_gives_rows(invoke: Invoke, chip: Path) -> None:
    path = write_constant_onnx(chip.with_name("x.onnx"), CARD, possible_outputs())
    result = invoke("predict", chip, "--crop", "none", "--weights", path, "--jsonl")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["age"] == 30.0


def test_a_video_fails(invoke: Invoke, tmp_path: Path, examples: Path) -> None:
    with Image.open(examples / "portrait.jpg") as picture:
        rgb = np.asarray(picture.convert("RGB").resize((240, 288)))
    with video_file(tmp_path / "clip.mp4", 10.0) as add:
        for index in range(4):
            add(rgb, index / 10)
    path = write_constant_onnx(tmp_path / "x.onnx", CARD, changed(age_distribution=math.nan))
    result = invoke("predict", tmp_path / "clip.mp4", "--weights", path, "--jsonl")
    assert result.exit_code == 3, result.output
    (row,) = map(json.loads, result.stdout.splitlines())
    assert row["status"] == "failed"
    assert "clip.mp4: the weights predict the impossible" in row["reason"]


def test_an_evaluation_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    card = card_of("mobilenet_v1", 32)
    path = write_constant_onnx(tmp_path / "x.onnx", card, changed(age=math.nan))
    result = invoke("evaluate", "--data", tmp_path / "set", "--weights", path, "--split", "all")
    assert_one_line_error(result, 1, "x.onnx: the weights predict the impossible (age nan years")


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "command",
    [
        PREDICT,
        (*PREDICT, "--engine", "torch"),
        ("export", "--weights", "bad.safetensors", "--out", "x.onnx"),
        ("evaluate", "--data", "set", "--weights", "bad.safetensors", "--split", "all"),
    ],
)
def test_weights_that_are_not_finite_are_refused(
    value: float, command: tuple[str, ...], invoke: Invoke, chip: Path
) -> None:
    write_set(chip.with_name("set"))
    arrays = load_file(shipped_weights())
    arrays["gender.bias"] = np.full_like(arrays["gender.bias"], value)
    card = read_safetensors_card(shipped_weights()).to_json()
    save_file(arrays, chip.with_name("bad.safetensors"), metadata={"card": card})
    result = invoke(*command)
    assert_one_line_error(result, 1, "bad.safetensors: the tensor gender.bias holds NaN")
    assert not chip.with_name("x.onnx").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda card: "[" * 100_000, "nested deeper than 64 levels"),
        (lambda card: card.replace('"std": [1.0', '"std": [2.0'), "contract.std is"),
        (lambda card: card.replace('"RGB"', '"\\udc80"'), "lone surrogate"),
        (lambda card: card.replace('"size": 192', '"size": 10000000'), "contract.size is"),
    ],
)
def test_damaged_cards_are_one_line(
    change: Callable[[str], str], reason: str, invoke: Invoke, chip: Path
) -> None:
    card = read_safetensors_card(shipped_weights()).to_json()
    assert change(card) != card
    arrays = load_file(shipped_weights())
    save_file(arrays, chip.with_name("bad.safetensors"), metadata={"card": change(card)})
    for command in (("info",), ("predict", chip, "--crop", "none", "--weights")):
        assert_one_line_error(invoke(*command, "bad.safetensors"), 1, "bad.safetensors: ", reason)


def test_metrics_of_other_types_are_shown_as_they_are(invoke: Invoke, tmp_path: Path) -> None:
    metrics = {
        "val": {"n": 3, "mae": "low"},
        "test": {"n": 3, "mae": 4.5, "groups": [{"axis": 5}]},
        "more": {"n": 3, "mae": 4.25},
    }
    card = Card(system="multitask", backbone="x", contract=CARD.contract, metrics=metrics)
    save_file({"x": np.ones(2, np.float32)}, tmp_path / "m.safetensors", {"card": card.to_json()})
    result = invoke("info", tmp_path / "m.safetensors")
    assert result.exit_code == 0, result.output
    assert "4.25" in result.stdout
    assert "low" in result.stdout
    assert invoke("info", tmp_path / "m.safetensors", "--json").exit_code == 0
