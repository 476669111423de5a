"""Packages of npm for tests that run JavaScript."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ONNX_RUNTIME = "onnxruntime-web@1.30.0"
RETINAFACE = "retinaface@0.0.6"


def tool(name: str) -> str:
    """The path of a program; the test is skipped where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(
            f"no {name} here; on Debian: apt-get install chromium chromium-driver nodejs npm"
        )
    return found


def npm_install(folder: Path, *packages: str) -> Path:
    """``node_modules`` of a folder with these packages; skips where npm cannot get them."""
    install = [tool("npm"), "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        [*install, *packages], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {packages[0]} here: {done.stderr[:200]}")
    return folder / "node_modules"
