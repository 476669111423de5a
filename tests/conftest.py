"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that the tests run in."""
    return ROOT


@pytest.fixture(scope="session")
def examples(repository: Path) -> Path:
    """The committed synthetic pictures."""
    return repository / "examples"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Where real pictures lie; they are never part of the repository."""
    folder = Path(os.environ.get("UTKAGE_TEST_DATA", ROOT.parent / "shared"))
    if not (folder / "data" / "UTKFace.tar.gz").is_file():
        pytest.skip(f"no real pictures: {folder}/data/UTKFace.tar.gz is not there")
    return folder
