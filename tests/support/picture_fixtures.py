"""Picture bytes and folders of files that tests of several packages share."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Makes PNG bytes of a picture that its seed decides; ``comment`` is metadata only."""

    def make(seed: int, width: int = 32, height: int | None = None, comment: str = "") -> bytes:
        random = np.random.default_rng(seed)
        pixels = random.integers(0, 256, (height or width, width, 3), dtype=np.uint8)
        info = PngImagePlugin.PngInfo()
        if comment:
            info.add_text("Comment", comment)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def write_folder() -> Folder:
    """Writes files by relative name."""

    def make(folder: Path, files: Mapping[str, bytes]) -> Path:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    return make
