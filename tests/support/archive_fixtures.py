"""Fixtures that write archives."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Archive = Callable[..., Path]


@pytest.fixture(scope="session")
def tar_of() -> Archive:
    """Writes a tar; ``mode`` is that of ``tarfile.open``."""

    def make(path: Path, files: Mapping[str, bytes], mode: str = "w") -> Path:
        with tarfile.open(path, mode) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    return make


@pytest.fixture(scope="session")
def zip_of() -> Archive:
    """Writes a zip."""

    def make(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make
