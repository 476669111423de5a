"""What a container without pictures holds instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from utkage.core.errors import DataError
from utkage.core.text import counted
from utkage.data.label_files.registry import FOREIGN, SUFFIXES
from utkage.images.containers.container import Container, is_hidden, is_picture_path
from utkage.images.containers.picture_files import TAR_SUFFIXES

_ARCHIVES = (*TAR_SUFFIXES, ".zip", ".7z", ".rar")
_FEW = 3
_SPREADSHEETS = (".xlsx", ".xls", ".ods")


def archives_note(container: Container) -> tuple[str, ...]:
    """A sentence on the archives that lie among the pictures, which are not opened, if any do."""
    archives = _archives(container.paths())
    if not archives:
        return ()
    return (
        f"{container.path}: {_listed(archives)} among the pictures is not opened; unpack it to use "
        "what it holds",
    )


def spreadsheets_note(container: Container) -> tuple[str, ...]:
    """A sentence on the spreadsheets among pictures without a label file, if there are any."""
    paths = [path for path in container.paths() if not is_hidden(path)]
    return tuple(
        f"{container.path}: {path} is not read, because it is {FOREIGN[suffix]}"
        for path in paths
        for suffix in (PurePosixPath(path).suffix.lower(),)
        # Excel's own lock files begin so.
        if suffix in _SPREADSHEETS and not PurePosixPath(path).name.startswith("~$")
    )[:_FEW]


def _archives(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path.lower().endswith(_ARCHIVES) and not is_hidden(path)]


def _listed(archives: list[str]) -> str:
    more = f" and {counted(len(archives) - _FEW, 'more archive')}" if archives[_FEW:] else ""
    return f"{', '.join(archives[:_FEW])}{more}"


def refuse_without_pictures(container: Container) -> None:
    """Refuse a container without pictures and label files, and name what it holds instead.

    Raises:
        DataError: there are none, but other files.
    """
    paths = [path for path in container.paths() if not is_hidden(path)]
    if not paths or any(map(is_picture_path, paths)):
        return
    archives = _archives(paths)
    if archives:
        raise DataError(
            f"{container.path}: holds {_listed(archives)}, but no pictures; unpack "
            f"{'that archive' if len(archives) == 1 else 'them'} and name what comes out"
        )
    if any(path.lower().endswith(SUFFIXES) for path in paths):
        return
    endings = Counter(PurePosixPath(path).suffix.lower() or "no ending" for path in paths)
    found = ", ".join(f"{ending} ({count})" for ending, count in endings.most_common(_FEW))
    raise DataError(
        f"{container.path}: holds {counted(len(paths), 'file')}, none of them a picture: {found}; "
        "name the folder or archive that holds the pictures"
    )
