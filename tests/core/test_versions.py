import platform

import pytest

import utkage
from utkage.core import versions as module
from utkage.core.versions import versions


def test_versions_include_what_affects_results() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["utkage"] == utkage.__version__
    assert {"torch", "numpy", "safetensors"} <= set(found)


def test_missing_packages_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECORDED", ("numpy", "no-such-package-here"))
    assert set(versions()) == {"python", "numpy"}
