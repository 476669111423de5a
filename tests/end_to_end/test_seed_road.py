"""The seed system on the same road as the default one: no command knows which it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from few_chips import WITH_FEW_CHIPS

from tools.examples.demo_set import make_demo_set
from tools.warm_process import run_utkage

pytestmark = pytest.mark.slow


def test_train_evaluate_predict_export(tmp_path: Path, examples: Path) -> None:
    make_demo_set(examples / "faces", tmp_path / "faces", 120, 0)
    arguments = ("--chip-size", 64, "--val", 0.15, "--test", 0.15, "--near-distance", -1)
    assert run_utkage(tmp_path, "prepare", "faces", *arguments).returncode == 0
    seed = ("--system", "seed", "--epochs", 2, "--batch-size", 16, "--device", "cpu")
    trained = run_utkage(tmp_path, "train", *seed, "--gender-width", 0.03, "--json")
    assert trained.returncode == 0, trained.stderr
    run = json.loads(trained.stdout)
    assert [row["epoch"] for row in run["epochs"]] == [1, 2]
    evaluated = run_utkage(tmp_path, "evaluate", "--plot-cm", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    report = json.loads(evaluated.stdout)
    assert report["n"] == sum(map(sum, report["range_confusion"]))
    assert (tmp_path / "evaluation" / "confusion_matrix.png").stat().st_size > 1000
    photo = sorted(examples.glob("*.jpg"))[0]
    predicted = run_utkage(tmp_path, "predict", photo, "--weights", "latest", "--json")
    assert predicted.returncode == 0, predicted.stderr
    rows = json.loads(predicted.stdout)
    assert rows["faces"] if isinstance(rows, dict) else rows
    for form in ("onnx", "torchscript", "pt2"):
        arguments = ("--format", form, "--out", f"seed.{form}", "--json")
        exported = run_utkage(tmp_path, "export", *arguments, code=WITH_FEW_CHIPS)
        assert exported.returncode == 0, exported.stderr
        assert json.loads(exported.stdout)["parity"]["range_flips"] == 0
        assert (tmp_path / f"seed.{form}").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--system", "tree"), "choose multitask or seed"),
        (("--system", "seed", "--sizes", "64,96"), "takes one size"),
        (("--system", "seed", "--gender-width", 2), "gender_width is 2.0"),
    ],
)
def test_wrong_options(tmp_path: Path, arguments: tuple[object, ...], message: str) -> None:
    result = run_utkage(tmp_path, "train", *arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_a_run_starts_from_another(tmp_path: Path, examples: Path) -> None:
    make_demo_set(examples / "faces", tmp_path / "faces", 60, 0)
    arguments = ("--chip-size", 64, "--val", 0.2, "--test", 0.1, "--near-distance", -1)
    assert run_utkage(tmp_path, "prepare", "faces", *arguments).returncode == 0
    seed = ("--system", "seed", "--epochs", 1, "--batch-size", 16, "--gender-width", 0.03)
    assert run_utkage(tmp_path, "train", *seed, "--run", "./one").returncode == 0
    on = run_utkage(tmp_path, "train", *seed, "--run", "./two", "--init", "one/best.safetensors")
    assert on.returncode == 0, on.stderr
    described = run_utkage(tmp_path, "info", "two", "--json")
    assert len(json.loads(described.stdout)["lineage"]) == 3
    refused = run_utkage(
        tmp_path, "train", *seed, "--run", "./three", "--vgg-face-weights", "none.pth"
    )
    assert refused.returncode == 2
    assert "none.pth: no such file of VGG-Face weights" in refused.stderr
