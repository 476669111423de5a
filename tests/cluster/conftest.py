"""Small jobs that the tests of the room for clusters share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Chips = Callable[[Path, int], Path]


@pytest.fixture(scope="session")
def chips(
    picture: Callable[..., bytes], write_folder: Callable[[Path, Mapping[str, bytes]], Path]
) -> Chips:
    """Writes a folder of chips, a hidden file and a text; names order as numbers."""

    def make(folder: Path, count: int) -> Path:
        files = {f"{index % 2}/{index}.png": picture(index, 64) for index in range(count)}
        return write_folder(folder, {**files, "readme.txt": b"no picture", ".hidden.png": b""})

    return make
