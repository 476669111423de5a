"""The scripts of docs/export.md, which know nothing of utkage, against ``utkage predict``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
from npm_packages import ONNX_RUNTIME, npm_install, tool
from typer.testing import CliRunner

from utkage.cli.app import app
from utkage.core.files import file_hash
from utkage.models.locate import shipped_weights

PAGE = Path(__file__).resolve().parents[2] / "docs" / "export.md"
CHIPS = 10
MAX_LINES = 40

pytestmark = pytest.mark.slow


def script(language: str) -> str:
    """The one script of a language on the page, up to its section on other runtimes."""
    page = PAGE.read_text(encoding="utf-8").split("## Other runtimes")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert len(found.splitlines()) < MAX_LINES
    return str(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Path, few_chips: None) -> Path:
    """An exported file, and ten chips as ``--save-crops`` writes them."""
    folder = tmp_path_factory.mktemp("stranger")
    pictures = [str(examples / f"{name}.jpg") for name in ("couple", "family", "portrait")]
    arguments = ["predict", *pictures, "--weights", "shipped", "--save-crops", str(folder)]
    assert CliRunner().invoke(app, [*arguments, "--quiet"]).exit_code == 0
    model = folder / "faces.onnx"
    arguments = ["export", "--weights", "shipped", "--out", str(model), "--precision", "fp16"]
    result = CliRunner().invoke(app, [*arguments, "--no-flip", "--quiet"])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[dict[str, Any]]:
    chips = [str(chip) for chip in sorted(folder.glob("*.png"))]
    arguments = [
        "predict",
        *chips,
        "--crop",
        "none",
        "--weights",
        "shipped",
        "--no-flip",
        "-q",
        "--jsonl",
    ]
    rows = CliRunner().invoke(app, arguments).stdout.splitlines()
    return [json.loads(row) for row in rows]


def run(command: list[str], folder: Path) -> list[dict[str, Any]]:
    """Its predictions for the chips."""
    chips = sorted(chip.name for chip in folder.glob("*.png"))
    done = subprocess.run(
        [*command, "faces.onnx", *chips], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected) == CHIPS
    for own, row in zip(found, expected, strict=True):
        assert own["age"] == pytest.approx(row["age"], abs=0.011)
        assert own["p_female"] == pytest.approx(row["p_female"], abs=2e-4)
        # predict would widen the interval of a covered or unusual face.
        assert row["flags"] == []
        for end in ("age_low", "age_high"):
            assert own[end] == pytest.approx(row[end], abs=0.02)
        assert own.get("range", row["range"]) == row["range"]


def test_fp16_files_predict_the_same_and_have_metadata(folder: Path) -> None:
    kept = json.loads((folder / "faces.onnx.parity.json").read_text())
    # The shipped weights are float16 already, so nothing is lost.
    assert kept["max_median_difference"] < 5e-3
    assert kept["bytes"] < 8e6
    operators = [node.op_type for node in onnx.load(folder / "faces.onnx").graph.node]
    # What a session would have to compute for every batch, and fp32 files do not hold.
    assert not {"BatchNormalization", "Expand", "CastLike"} & set(operators)
    facts = onnxruntime.InferenceSession(folder / "faces.onnx").get_modelmeta().custom_metadata_map
    assert facts["precision"] == "fp16"
    assert json.loads(facts["ranges"])[-1] == "76+"
    assert facts["weights_sha256"] == file_hash(shipped_weights())


def test_python_with_onnxruntime_numpy_and_pillow(
    folder: Path, expected: list[dict[str, Any]]
) -> None:
    (folder / "ages.py").write_text(script("python"))
    # Isolated: not even the packages of this folder.
    same(run([sys.executable, "-I", "ages.py"], folder), expected)
    assert "utkage." not in script("python")


def test_javascript_on_web_assembly(folder: Path, expected: list[dict[str, Any]]) -> None:
    node = tool("node")
    npm_install(folder, ONNX_RUNTIME, "pngjs@7.0.0")
    (folder / "ages.mjs").write_text(script("js"))
    same(run([node, "ages.mjs"], folder), expected)
