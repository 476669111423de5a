"""Files of packages installed by npm."""

from __future__ import annotations

from pathlib import Path

from utkage.core.errors import UsageError


def npm_files(modules: Path, package: str, *names: str) -> list[Path]:
    """Find files by their paths in a package; a ``UsageError`` if one is not installed."""
    paths = [modules / package / name for name in names]
    for path in paths:
        if not path.is_file():
            raise UsageError(
                f"{path}: no such file; run: npm install {package}, and pass its node_modules "
                "folder as `web_modules`"
            )
    return paths
