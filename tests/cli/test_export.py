"""``export``: the exported file predicts the same, and one that does not is not saved."""

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cards import card_of
from few_chips import CHIPS
from one_line_errors import assert_one_line_error

from utkage.core.files import file_hash
from utkage.exporting import export, torch_files
from utkage.exporting.parity import synthetic_chips
from utkage.images.save import save_image
from utkage.models.export_graph import ExportGraph
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, save_weights
from utkage.prediction.loading import load_predictor

Invoke = Callable[..., Any]


@pytest.mark.slow
def test_the_parity_file_has_the_measured_differences(
    invoke: Invoke, tmp_path: Path, few_chips: None
) -> None:
    chips = synthetic_chips(3, 200, seed=5)
    for index, chip in enumerate(chips):
        save_image(tmp_path / "faces" / f"{20 + index}_1_0_2017{index:04}.png", chip)
    arguments = ("--format", "torchscript", "--weights", "shipped", "--data", "faces", "--no-flip")
    done = invoke("export", *arguments, "--json", "--out", "model.torchscript")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["format"] == "torchscript"
    assert result["parity"]["chips"] == CHIPS + 3
    kept = json.loads((tmp_path / "model.torchscript.parity.json").read_text())
    assert result["parity_file"] == "model.torchscript.parity.json"
    assert (kept["drawn_chips"], kept["real_chips"]) == (CHIPS, 3)
    assert kept["hash"] == file_hash(tmp_path / "model.torchscript")
    assert 0 <= kept["max_age_difference"] <= kept["limits"]["age"] == 0.01
    assert 0 < kept["max_probability_difference"] < kept["limits"]["probability"]
    assert kept["range_flips"] == kept["gender_flips"] == 0
    assert "torch" in kept["versions"]
    # A stranger needs torch alone.
    program = torch.jit.load(tmp_path / "model.torchscript")
    own = synthetic_chips(4, 192, seed=9)
    predictions = program(torch.from_numpy(own))
    expected = load_predictor("shipped", engine="torch", flip=False).predict_chips(own)
    low, high = expected.age_interval(0.8)
    every = {**vars(expected), "age_low": low, "age_high": high}
    for name, values in predictions.items():
        np.testing.assert_allclose(values.numpy(), every[name], atol=1e-3)


def test_unsupported_precisions_are_refused(invoke: Invoke) -> None:
    done = invoke("export", "--format", "pt2", "--precision", "int8", "--weights", "shipped")
    assert done.exit_code == 2
    assert "--format pt2 supports fp32" in done.stderr


def test_a_damaged_graph_gets_no_file(
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lively_network: Callable[[], MultiTaskNet],
) -> None:
    weights = Weights(card_of(), lively_network().state_dict(), torch.empty(0, dtype=torch.int32))
    save_weights(tmp_path / "mine.safetensors", weights)
    write = torch_files.write_torchscript

    def damaged(graph: ExportGraph, path: Path, properties: Mapping[str, str]) -> None:
        other = copy.deepcopy(graph)
        bias = other.get_parameter("system.network.age.bias")
        with torch.no_grad():
            bias[:58] += 0.5
        write(other, path, properties)

    monkeypatch.setattr(torch_files, "write_torchscript", damaged)
    (tmp_path / "model.torchscript").write_text("of yesterday")
    arguments = ("--format", "torchscript", "--weights", "mine.safetensors", "--no-flip")
    done = invoke("export", *arguments, "--out", "model.torchscript")
    assert done.exit_code == 2, "not an earlier export"
    done = invoke("export", *arguments, "--out", "model.torchscript", "--overwrite")
    assert done.exit_code == 4, done.stderr
    assert "not written, because torch and the weights disagree on" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"mine.safetensors", "model.torchscript"}
    assert (tmp_path / "model.torchscript").read_text() == "of yesterday"


@pytest.mark.slow
def test_int8_files_work(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Half of the drawn chips, for the comparison and for the ranges of activations.
    monkeypatch.setattr(export, "SYNTHETIC_CHIPS", 136)
    arguments = ("--precision", "int8", "--weights", "shipped", "--no-flip", "--out", "small.onnx")
    done = invoke("export", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["precision"] == "int8"
    assert (tmp_path / "small.onnx").stat().st_size < 6_000_000
    kept = json.loads((tmp_path / "small.onnx.parity.json").read_text())
    assert kept["hash"] == file_hash(tmp_path / "small.onnx")
    own = synthetic_chips(8, 192, seed=9)
    full = load_predictor("shipped", engine="torch", flip=False).predict_chips(own)
    small = load_predictor("small.onnx").predict_chips(own)
    assert 0 < np.abs(small.age_distribution - full.age_distribution).max() < 0.2
    assert np.abs(small.p_female - full.p_female).mean() < 0.15


def test_export_into_an_unknown_format(invoke: Invoke) -> None:
    assert_one_line_error(invoke("export", "--format", "tflite"), 2, "tflite", "onnx")


def test_a_hub_folder_takes_no_settings_of_exported_networks(
    invoke: Invoke, tmp_path: Path
) -> None:
    for option in ("--any-size", "--no-flip", "--precision=int8", "--opset=19", "--data=faces"):
        done = invoke("export", "--format", "hub", "--weights", "shipped", option)
        assert done.exit_code == 2, option
        assert option.split("=")[0].replace("no-", "") in done.stderr
    done = invoke("export", "--base-model", "somebody/start", "--weights", "shipped")
    assert done.exit_code == 2
    assert "--base-model is for --format hub" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_hub_folder_as_json(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("export", "--format", "hub", "--weights", "shipped", "--json")
    assert done.exit_code == 0, done.stderr
    written = json.loads(done.stdout)
    assert set(written) == {"schema", "path", "bytes", "weights", "format"}
    assert (tmp_path / written["path"] / "model.safetensors").stat().st_size == written["bytes"]
