"""Labels from a table beside the pictures (``labels.csv`` or ``labels.jsonl``)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from utkage.core.errors import DataError, UsageError
from utkage.data.sources.base import Entry
from utkage.data.sources.container import Container, RawFile, clean_path, top_folder
from utkage.data.sources.grammar import is_chip_name
from utkage.data.sources.limits import Limits
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.rows import Row, read_rows

NAMES = ("labels.csv", "labels.jsonl")


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest.

    Attributes:
        name: File name, for messages.
        folder: Folder of the container that its paths are relative to; empty for the root. Paths
            that do not exist there are tried relative to the root.
        rows: All rows, valid or not.
        digest: SHA-256 (hex) of the file if it is outside of the container, else None.
    """

    name: str
    folder: str
    rows: tuple[Row, ...]
    digest: str | None = None


class ManifestSource:
    """The pictures of a container with labels from a manifest.

    Pictures without a row, and rows without a picture, are reported.
    """

    def __init__(
        self, container: Container, manifest: Manifest, aligned: bool | None = None
    ) -> None:
        """Join ``container`` and ``manifest``; for ``aligned`` see ``SourceOptions``."""
        self.name = container.name
        self.total_bytes = container.total_bytes
        self._container = container
        self._manifest = manifest
        self._aligned = aligned

    @classmethod
    def recognise(cls, container: Container, options: SourceOptions) -> ManifestSource | None:
        """Use the manifest of ``options``, or one at the top of the container, if there is one.

        Raises:
            UsageError: the manifest of ``options`` does not exist.
            DataError: a manifest cannot be read, or the container is damaged.
        """
        top = top_folder(container.paths())
        if options.labels is not None:
            manifest = _read_manifest(options.labels, container, top, options.limits)
            return cls(container, manifest, options.aligned)
        present = set(container.paths())
        for folder in dict.fromkeys(("", top)):
            for name in NAMES:
                path = _joined(folder, name)
                content = container.read(path) if path in present else None
                if content is not None:
                    rows = read_rows(content, f"{container.path}: {path}")
                    return cls(container, Manifest(name, folder, rows), options.aligned)
        return None

    def fingerprint(self) -> str:
        """The fingerprint of the container, combined with that of a manifest outside of it."""
        fingerprint = self._container.fingerprint()
        if self._manifest.digest is None:
            return fingerprint
        return hashlib.sha256(f"{fingerprint} {self._manifest.digest}".encode()).hexdigest()

    def entries(self) -> Iterator[Entry]:
        """Yield every picture, then every row without a picture."""
        present = frozenset(self._container.paths())
        row_of, unmatched = self._match_rows(present)
        seen: set[str] = set()
        position = 0
        for file in self._container.files():
            position = file.position
            row = row_of.get(file.path)
            if row is None:
                yield self._problem(file.path, position, "not in the manifest")
            elif file.path in seen:
                yield self._problem(row.path, position, "another file with this path came before")
            else:
                seen.add(file.path)
                yield self._entry(file, row)
        for path, row in row_of.items():
            if path not in seen:
                found = ", but not a picture" if path in present else " but missing"
                unmatched.append(
                    replace(row, problem=row.problem or f"listed in the manifest{found}")
                )
        for row in sorted(unmatched, key=lambda row: row.line):
            where = f"{self._manifest.name} line {row.line}"
            yield self._problem(row.path or where, position, row.problem or "", row)

    def _match_rows(self, present: frozenset[str]) -> tuple[dict[str, Row], list[Row]]:
        """The row of each picture by its path, and the rows without a path."""
        row_of: dict[str, Row] = {}
        without_path: list[Row] = []
        for original in self._manifest.rows:
            row = replace(original, path=clean_path(original.path))
            if not row.path:
                without_path.append(row)
                continue
            target = self._target(row.path, present)
            other = row_of.get(target)
            if other is None:
                row_of[target] = row
            elif (other.label, other.split, other.problem) != (row.label, row.split, None):
                row_of[target] = replace(
                    other, label=None, problem="listed twice, with different labels"
                )
        return row_of, without_path

    def _target(self, path: str, present: frozenset[str]) -> str:
        """The path in the container that ``path`` of a row refers to."""
        folder = self._manifest.folder
        slashes = path.replace("\\", "/")
        candidates = (_joined(folder, path), path, _joined(folder, slashes), slashes)
        return next((found for found in candidates if found in present), candidates[0])

    def _entry(self, file: RawFile, row: Row) -> Entry:
        problem = row.problem or file.problem
        if problem is not None:
            return self._problem(row.path, file.position, problem, row if row.problem else None)
        return Entry(
            name=row.path,
            content=file.content,
            position=file.position,
            label=row.label,
            aligned=self._is_chip(row.path),
            split=row.split,
        )

    def _problem(self, name: str, position: int, problem: str, row: Row | None = None) -> Entry:
        if row is not None:
            problem = f"{problem} ({self._manifest.name} line {row.line})"
        return Entry(
            name=name,
            content=b"",
            position=position,
            label=None,
            aligned=self._is_chip(name),
            problem=problem,
        )

    def _is_chip(self, path: str) -> bool:
        return is_chip_name(path) if self._aligned is None else self._aligned


def _read_manifest(path: Path, container: Container, top: str, limits: Limits) -> Manifest:
    """Read a manifest that the user named."""
    if not path.is_file():
        raise UsageError(f"{path}: no such manifest; give a CSV or JSONL file with path,age,gender")
    try:
        with path.open("rb") as file:
            content = file.read(limits.max_entry_bytes + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    if len(content) > limits.max_entry_bytes:
        raise DataError(
            f"{path}: over {limits.max_entry_bytes} bytes; if you trust it, raise `max_entry_bytes`"
        )
    folder = top
    if container.path.is_dir() and path.resolve().is_relative_to(container.path.resolve()):
        # A manifest inside the folder: its paths are relative to its own place.
        parent = path.resolve().relative_to(container.path.resolve()).parent
        folder = clean_path(parent.as_posix())
    digest = hashlib.sha256(content).hexdigest()
    return Manifest(path.name, folder, read_rows(content, str(path)), digest)


def _joined(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path
