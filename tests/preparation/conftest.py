"""What several tests of ``prepare`` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture
def faces(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    """Twenty single pictures, and a dozen pairs of duplicates with conflicting labels."""
    files = {f"{index + 1}_0_0_{index}.jpg": picture(index) for index in range(20)}
    for index in range(12):
        files[f"20_0_0_{100 + index}.jpg"] = picture(50 + index)
        files[f"40_0_0_{200 + index}.jpg"] = picture(50 + index, comment="again")
    return write_folder(tmp_path / "faces", files)
