"""From the path in a row of a label file to a picture of the container."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from utkage.data.label_files.row import Row
from utkage.images.containers.container import Container, clean_path, file_name, top_folder
from utkage.images.formats import IMAGE_SUFFIXES

# Folders of these names hold different pictures of the same names.
_SPLIT_FOLDERS = ("train", "training", "val", "valid", "validation", "test", "testing")


class PicturePaths:
    """The pictures of a container, found by the paths of label files.

    A path is tried relative to the label file, then to the top of the container, and then by the
    name of the picture alone, if only one picture and one row have that name. Case and Unicode
    composition do not matter where they do not distinguish two pictures.
    """

    def __init__(self, container: Container) -> None:
        paths = container.paths()
        self._root = container.path.resolve() if container.path.is_dir() else None
        self._name = container.name
        self._top = top_folder(paths)
        self._present = frozenset(paths)
        self._by_key = _index(paths, _key)
        self._by_name = _index(paths, lambda path: _key(file_name(path)))
        self._by_stem = _index(paths, lambda path: _key(_stem(file_name(path))))

    def find(self, row: Row, place: Place, row_names: Counter[str] | None = None) -> str | None:
        """The path in the container, or None.

        Args:
            row: Row of a label file.
            place: Where its label file lies.
            row_names: How many rows have each name, from ``count_names``; None: each has one.
        """
        paths = _spellings(row)
        for path in paths:
            for candidate in self._candidates(path, place):
                found = self._lookup(candidate)
                if found is not None:
                    return found
        for path in paths:
            found = self._by_unique_name(path, row_names)
            if found is not None:
                return found
        return None

    def tried(self, row: Row, place: Place) -> str:
        """The places that were searched for the picture of a row."""
        places = list(dict.fromkeys(self._candidates(row.path, place)))[:2]
        name = file_name(clean_path(_slashes(row.path)))
        alike = len(self._by_name.get(_key(name), ()))
        found = "no picture is" if not alike else f"{alike} pictures are"
        return f"tried {', '.join(places)} and the name alone ({found} named {name})"

    def _candidates(self, path: str, place: Place) -> Iterable[str]:
        """Paths in the container, the most probable first."""
        for spelling in dict.fromkeys((path, _slashes(path))):
            if place.on_disk is not None and self._root is not None:
                target = posixpath.normpath((place.on_disk / spelling).as_posix())
                inside = target.removeprefix(f"{self._root.as_posix()}/")
                if inside != target:
                    yield clean_path(inside)
            if leaves(spelling):
                normal = posixpath.normpath(posixpath.join(place.folder or ".", spelling))
                if not leaves(normal):
                    yield clean_path(normal)
                continue
            for folder in dict.fromkeys((place.folder, "", self._top)):
                yield _joined(folder, clean_path(spelling))

    def _lookup(self, path: str) -> str | None:
        if path in self._present:
            return path
        alike = self._by_key.get(_key(path), ())
        return alike[0] if len(alike) == 1 else None

    def _by_unique_name(self, path: str, row_names: Counter[str] | None = None) -> str | None:
        parts = clean_path(_slashes(path)).split("/")
        name = _key(parts[-1])
        alike = self._by_name.get(name, ())
        # A path that starts above the container's folder.
        ending = "/" + _key("/".join(parts))
        whole = [found for found in alike if _key(found).endswith(ending)]
        if len(parts) > 1 and len(whole) == 1:
            return whole[0]
        if not alike and not name.endswith(IMAGE_SUFFIXES):
            alike = self._by_stem.get(name, ())
        if len(alike) != 1 or (row_names is not None and row_names[name] != 1):
            return None
        splits = _splits(parts[:-1])
        others = _splits((self._name, *alike[0].split("/")[:-1]))
        return None if splits and others and splits.isdisjoint(others) else alike[0]


class Place:
    """Where a label file lies.

    Attributes:
        folder: Folder of the container that its paths are relative to; empty for the top.
        on_disk: Folder on disk that its paths are relative to; None inside an archive.
    """

    def __init__(self, folder: str, on_disk: Path | None = None) -> None:
        self.folder = folder
        self.on_disk = None if on_disk is None else on_disk.resolve()


def count_names(rows: Iterable[Row]) -> Counter[str]:
    """How many different paths have each name, without regard to case."""
    paths = {clean_path(_slashes(path)) for row in rows for path in _spellings(row) if path}
    return Counter(_key(file_name(path)) for path in paths)


def _spellings(row: Row) -> list[str]:
    paths = [row.path, *row.other_paths]
    # Addresses, and tables of annotation programs, escape spaces and letters.
    return paths + [unquote(path) for path in paths if "%" in path]


def leaves(path: str) -> bool:
    """Whether the path is absolute or has ``..``."""
    # The label file may come from Windows or from POSIX, so both rules apply.
    windows = PureWindowsPath(path)
    return bool(PurePosixPath(path).is_absolute() or windows.anchor or ".." in windows.parts)


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _splits(folders: Iterable[str]) -> set[str]:
    return {folder[:3].lower() for folder in folders if folder.lower() in _SPLIT_FOLDERS}


def _index(paths: Sequence[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        found[key(path)].append(path)
    return found


def _joined(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path
