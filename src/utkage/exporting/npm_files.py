"""Files of packages that npm installed."""

from __future__ import annotations

from pathlib import Path

from utkage.core.errors import UsageError


def npm_files(modules: Path, package: str, *names: str) -> list[Path]:
    """The paths of some files of a package.

    Args:
        modules: The ``node_modules`` in which npm installed it.
        package: Its name.
        names: Paths inside it.

    Raises:
        UsageError: one of them is not there.
    """
    found = [modules / package / name for name in names]
    for path in found:
        if not path.is_file():
            raise UsageError(
                f"{path}: not there; run: npm install {package}, and give its node_modules as "
                "`web_modules`"
            )
    return found
