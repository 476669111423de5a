import platform

import pytest

import utkage
from utkage.core import versions as module
from utkage.core.versions import versions


def test_versions_name_what_decides_results() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["utkage"] == utkage.__version__
    assert {"torch", "numpy", "safetensors"} <= set(found)


def test_a_missing_package_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECORDED", ("numpy", "no-such-package-here"))
    assert set(versions()) == {"python", "numpy"}
