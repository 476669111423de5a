"""A required package that is missing is named, with the line that installs it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

import utkage
from utkage.core import packages
from utkage.core.packages import MissingPackageError, explained, missing_packages


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Modules that seem not to be installed."""

    def hide(*names: str) -> None:
        def find(name: str) -> Any:
            return None if name in names else importlib.util.find_spec(name)

        monkeypatch.setattr(packages, "find_spec", find)

    return hide


def test_nothing_is_missing_here() -> None:
    assert missing_packages() == []
    assert explained(ModuleNotFoundError("No module named 'torch'", name="torch")) is None


def test_every_package_that_is_missing_is_in_the_line(without: Callable[..., None]) -> None:
    without("torch", "sklearn")
    error = explained(ModuleNotFoundError("No module named 'sklearn.svm'", name="sklearn.svm"))
    assert str(error) == (
        "this needs scikit-learn, and utkage was installed without all of its packages; "
        "run: pip install scikit-learn torch"
    )
    # That of another program, or of an optional feature.
    assert explained(ModuleNotFoundError("No module named 'pandas'", name="pandas")) is None
    assert explained(ModuleNotFoundError("no name")) is None


def test_extras_are_not_missing(without: Callable[..., None]) -> None:
    without("pyarrow", "h5py", "tensorboard")
    assert missing_packages() == []


def test_a_name_of_the_library_says_so_too(
    without: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without("torch")

    def absent(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(utkage, "import_module", absent)
    with pytest.raises(MissingPackageError, match="this needs torch") as caught:
        _ = utkage.train
    assert isinstance(caught.value, ImportError)
