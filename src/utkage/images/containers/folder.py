"""The picture files below a folder, sorted; what leaves the folder or is unreadable is reported."""

from __future__ import annotations

import functools
import hashlib
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from utkage.core.errors import DataError
from utkage.images.containers.container import (
    NOT_PLAIN,
    RawFile,
    clean_path,
    is_hidden,
    is_picture_path,
)
from utkage.images.containers.limits import Budget, Limits
from utkage.images.folders import list_folder


class FolderContainer:
    """A folder and its subfolders, also linked ones that do not leave it."""

    def __init__(self, path: Path, limits: Limits) -> None:
        """List the folder.

        Raises:
            DataError: the folder cannot be read, or there are more than ``max_entries`` files.
        """
        self.path = path
        self.name = path.resolve().name
        self._limits = limits
        self._files, self._unreadable = _listed(path, limits)
        self.total_bytes = sum(_size(file) for name, file in self._files if is_picture_path(name))

    def fingerprint(self) -> str:
        """SHA-256 (hex) of path, size and modification time of every file, without its content."""
        digest = hashlib.sha256()
        for name, file in self._files:
            # File browsers rewrite hidden files whenever a user opens the folder.
            if not is_hidden(name):
                try:
                    status = file.stat()
                    state = f"{status.st_size} {status.st_mtime_ns}"
                except OSError:
                    state = "-"
                digest.update(f"{name}\0{state}\n".encode())
        return digest.hexdigest()

    def paths(self) -> tuple[str, ...]:
        """The paths of all files, sorted."""
        return tuple(name for name, _ in self._files)

    def files(self) -> Iterator[RawFile]:
        """Yield the pictures, sorted by path."""
        budget = Budget(self._limits, self.path)
        boundary = _Boundary(self.path)
        position = 0
        for name, file in self._files:
            if is_picture_path(name):
                size, content, problem = _read(file, boundary, self._limits, budget)
                position += size
                yield RawFile(name, content, position, problem)
        for name, problem in self._unreadable:
            yield RawFile(name, b"", position, problem)

    def read(self, path: str, max_bytes: int | None = None) -> bytes | None:
        """The content of one file, or None if there is no such file."""
        limits = self._limits
        if max_bytes is not None:
            limits = replace(limits, max_entry_bytes=max_bytes)
        for name, file in self._files:
            if name == path:
                budget = Budget(limits, self.path)
                _, content, problem = _read(file, _Boundary(self.path), limits, budget)
                if problem is not None:
                    raise DataError(f"{file}: {problem}; replace it or move it away")
                return content
        return None


def _listed(root: Path, limits: Limits) -> tuple[list[tuple[str, Path]], list[tuple[str, str]]]:
    """Clean and real path of each file, and clean path and problem of each unreadable subfolder."""
    listing = list_folder(root, max_files=limits.max_entries)
    unreadable = []
    for folder, problem in sorted(listing.unreadable):
        if folder == root:
            raise DataError(f"{folder}: {problem}; check its permissions")
        unreadable.append((clean_path(folder.relative_to(root).as_posix()), problem))
    budget = Budget(limits, root)
    for _ in listing.files:
        budget.count_member()
    files = sorted(listing.files, key=lambda file: file.parts)
    return [(clean_path(file.relative_to(root).as_posix()), file) for file in files], unreadable


class _Boundary:
    """Tells whether files lie in a folder when links are followed; asks once for each subfolder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._inside = functools.cache(self._resolves_inside)

    def contains(self, file: Path, *, is_link: bool) -> bool:
        """Raises OSError or RuntimeError for links that form a cycle."""
        return self._inside(file if is_link else file.parent)

    def _resolves_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root)


def _read(
    file: Path, boundary: _Boundary, limits: Limits, budget: Budget
) -> tuple[int, bytes, str | None]:
    """Size and content of a file, and why it cannot be used."""
    size = 0
    try:
        status = file.lstat()
        is_link = stat.S_ISLNK(status.st_mode)
        inside = boundary.contains(file, is_link=is_link)
        if is_link:
            status = file.stat()
        size = status.st_size
    except (OSError, RuntimeError):
        return size, b"", NOT_PLAIN
    if not inside:
        return size, b"", "a link that leaves the folder"
    if not stat.S_ISREG(status.st_mode):
        return size, b"", NOT_PLAIN
    problem = budget.too_large(size)
    if problem is not None:
        return size, b"", problem
    budget.count_bytes(size)
    try:
        with file.open("rb") as stream:
            # The limit also holds for a file that is growing.
            return size, stream.read(limits.max_entry_bytes), None
    except OSError as error:
        return size, b"", f"cannot be read ({error.strerror})"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
