"""What ``utkage doctor`` collects, and that it works where packages are missing."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from utkage import __version__
from utkage.prediction import diagnosis
from utkage.prediction.diagnosis import diagnose
from utkage.reporting.table import Table


def _values(table: Table) -> dict[str, str]:
    return {row[0].text: row[1].text for row in table.rows}


def test_what_a_report_needs() -> None:
    system, packages, extras = diagnose()
    found = _values(system)
    assert found["utkage"] == __version__
    assert found["PyTorch devices"].startswith("cpu (")
    assert "CPUExecutionProvider" in found["ONNX Runtime providers"]
    assert found["shipped weights"].startswith("utkage-mobilenet_v1.safetensors, SHA-256 begins")
    assert found["OpenCV videos"] == "YES"
    assert {"JPEG", "PNG", "WebP", "AVIF", "HEIC", "JPEG XL", "TIFF"} == {
        name.removesuffix(" pictures") for name in found if name.endswith(" pictures")
    }
    assert found["JPEG pictures"] == "can be read"
    assert _values(packages)["torch"] == importlib.metadata.version("torch")
    assert {"pyarrow", "h5py"} <= set(_values(extras))
    assert "pytest" not in _values(extras), "that is for developers of utkage"


def test_the_home_folder_is_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path(diagnosis.__file__).parents[2])
    monkeypatch.chdir(tmp_path)
    found = _values(diagnose()[0])
    assert found["installed in"].startswith("~")
    assert str(tmp_path) in found["free space, this folder"]


def test_missing_packages_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "torch":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(diagnosis, "version", version)
    system, packages, _ = diagnose()
    assert _values(system)["PyTorch devices"] == "not installed"
    assert _values(packages)["torch"] == "not installed"
