"""Damaged TIFF files: one row with the reason, and nothing of libtiff's on stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

READ = """
import sys
from utkage.core.errors import ImageError
from utkage.images.decode import load_image
try:
    load_image(sys.argv[1])
except ImageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="libtiff is inside Pillow")
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_damaged_tiff_prints_nothing(compression: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    Image.effect_noise((300, 300), 90).save(path, compression=compression)
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 4, len(content) // 2, 7):
        content[place] ^= 0xA5
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
