"""What ``utkage predict`` prints and draws for the examples."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.documents import DOCS, ROOT

PICTURE = DOCS / "images" / "family.annotated.jpg"


def example_output() -> str:
    """Run the command, keep one annotated picture, and return what it printed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "examples", folder / "examples")
        pictures = sorted(path.name for path in (folder / "examples").glob("*.jpg"))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "utkage", "predict"),
                *(f"examples/{picture}" for picture in pictures),
                *("--weights", "shipped", "--save-images", "out", "--quiet"),
            ],
            cwd=folder,
            env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(next((folder / "out").glob("*family*.jpg")), PICTURE)
    return f"```\n$ utkage predict examples/*.jpg\n{done.stdout.strip()}\n```"
