"""A label file as a data set of its own: it contains pictures, or lies beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from utkage.core.errors import DataError
from utkage.core.files import sha256_of
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.label_files import matlab, parquet
from utkage.data.label_files.registry import SUFFIXES
from utkage.data.label_files.titles import PIXELS, TITLES
from utkage.images.containers.container import RawFile
from utkage.images.containers.folder import FolderContainer
from utkage.images.containers.limits import Limits

_HEAD = 65_536
# Notes have this ending, too; they are label files only if their columns are understood.
_NOTES = (".txt",)


def is_table(path: Path) -> bool:
    """Whether the file is a label file, by its ending and its first bytes.

    Raises:
        DataError: it cannot be read.
    """
    if not path.name.lower().endswith(SUFFIXES):
        return False
    head = _head(path)
    if path.name.lower().endswith(_NOTES):
        from utkage.data.label_files.read import read_label_file

        try:
            return bool(read_label_file(head, path.name).rows)
        except DataError:
            return False
    # A file may have any name; archives are known by their content.
    return not head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))


class TableContainer:
    """A label file, and the pictures below its folder unless it contains them."""

    def __init__(self, path: Path, limits: Limits, reporter: Reporter | None = None) -> None:
        self.path = path.parent
        self.name = path.stem
        self._table = path
        self._reporter = reporter or SilentReporter()
        self._folder = None if _contains_pictures(path) else FolderContainer(path.parent, limits)
        beside = 0 if self._folder is None else self._folder.total_bytes
        self.total_bytes = path.stat().st_size + beside

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the file, or the state of its folder."""
        if self._folder is not None:
            return self._folder.fingerprint()
        return sha256_of(self._table, self._reporter)

    def paths(self) -> tuple[str, ...]:
        """The paths of all files below its folder; the file alone if it contains the pictures."""
        return (self._table.name,) if self._folder is None else self._folder.paths()

    def files(self) -> Iterator[RawFile]:
        """Yield the pictures beside the file."""
        return iter(()) if self._folder is None else self._folder.files()

    def read(self, path: str, max_bytes: int | None = None) -> bytes | None:
        """The content of a file beside the label file, or None."""
        return None if self._folder is None else self._folder.read(path, max_bytes)


def _contains_pictures(path: Path) -> bool:
    head = _head(path)
    if head.startswith((*parquet.STARTS, *matlab.STARTS)):
        return head.startswith(parquet.STARTS)
    titles = re.split(rb"[^a-z_]+", re.split(rb"[\r\n]", head.lower(), maxsplit=1)[0])
    return any(title.encode() in titles for title in TITLES[PIXELS])


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
