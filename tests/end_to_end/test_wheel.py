"""The built wheel is complete: it predicts from another directory with only its dependencies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

MAX_WHEEL_BYTES = 12_000_000


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, repository],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("*.whl")
    return built


def test_what_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "utkage/py.typed",
        "utkage/shipped/utkage-mobilenet_v1.safetensors",
        "utkage/shipped/NOTICE.md",
        "utkage/shipped/graphs/mobilenet_v1.softmax.onnx",
        "utkage/shipped/graphs/mobilenet_v1.softmax.flip.onnx",
        "utkage/shipped/EXAMPLES.md",
        *(f"utkage/recipes/{name}.toml" for name in ("best", "default", "fast", "seed")),
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.lower().endswith((".jpg", ".png", ".pt"))]
    assert wheel.stat().st_size < MAX_WHEEL_BYTES


def test_the_metadata_has_the_terms_of_code_and_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        head = archive.read(name).decode().partition("\n\n")[0]
    licence = next(line for line in head.splitlines() if line.startswith("License: "))
    assert "MIT" in licence
    assert "non-commercial research" in licence
    summary = next(line for line in head.splitlines() if line.startswith("Summary: "))
    assert "non-commercial research" in summary


def test_it_answers_from_another_directory(wheel: Path, examples: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", site, wheel], check=True, capture_output=True)
    photo = examples / "portrait.jpg"
    done = subprocess.run(
        [sys.executable, "-m", "utkage", "predict", str(photo), "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["gender"] == "female"
    where = subprocess.run(
        [sys.executable, "-c", "import utkage; print(utkage.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(site)
