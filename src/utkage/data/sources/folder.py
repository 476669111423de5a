"""The picture files below a folder, sorted; what leaves the folder or is unreadable is reported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from utkage.core.errors import DataError
from utkage.data.sources.container import NOT_PLAIN, RawFile, clean_path, is_hidden, is_picture
from utkage.data.sources.limits import Budget, Limits
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
        self.total_bytes = sum(_size(file) for name, file in self._files if is_picture(name))

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
        root = self.path.resolve()
        position = 0
        for name, file in self._files:
            if is_picture(name):
                size = _size(file)
                position += size
                content, problem = _read(file, root, self._limits, budget)
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
                content, problem = _read(file, self.path.resolve(), limits, budget)
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


def _read(file: Path, root: Path, limits: Limits, budget: Budget) -> tuple[bytes, str | None]:
    try:
        inside = file.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        # Links that form a cycle.
        return b"", NOT_PLAIN
    if not inside:
        return b"", "a link that leaves the folder"
    if not file.is_file():
        return b"", NOT_PLAIN
    size = _size(file)
    problem = budget.too_large(size)
    if problem is not None:
        return b"", problem
    budget.count_bytes(size)
    try:
        with file.open("rb") as stream:
            # The limit also holds for a file that is growing.
            return stream.read(limits.max_entry_bytes), None
    except OSError as error:
        return b"", f"cannot be read ({error.strerror})"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
