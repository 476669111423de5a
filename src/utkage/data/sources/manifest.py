"""Labels from a table beside the pictures (``labels.csv`` or ``labels.jsonl``)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from utkage.core.errors import DataError, UsageError
from utkage.data.sources.base import Entry
from utkage.data.sources.container import (
    Container,
    RawFile,
    clean_path,
    top_folder,
)
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
        folder: The folder of the container that its paths start from, or empty for the root.
            Paths that lead nowhere from there start from the root.
        rows: Its rows, usable or not.
        digest: SHA-256 (hex) of its bytes when it lies outside of the container, else None.
    """

    name: str
    folder: str
    rows: tuple[Row, ...]
    digest: str | None = None


class ManifestSource:
    """Pictures that a manifest labels; what is only in one of the two is reported."""

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
        """Take the manifest that the caller names, or one at the container's top.

        Raises:
            UsageError: the named manifest is not there.
            DataError: a manifest cannot be read, or the container is damaged.
        """
        top = top_folder(container.paths())
        if options.labels is not None:
            manifest = _outside(options.labels, container, top, options.limits)
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
        """That of the container, together with a manifest that lies outside of it."""
        inside = self._container.fingerprint()
        if self._manifest.digest is None:
            return inside
        return hashlib.sha256(f"{inside} {self._manifest.digest}".encode()).hexdigest()

    def entries(self) -> Iterator[Entry]:
        """Yield every picture, then every row that has none.

        Raises:
            DataError: the container is damaged or over a limit.
        """
        present = frozenset(self._container.paths())
        listed, left = self._resolved(present)
        seen: set[str] = set()
        position = 0
        for file in self._container.files():
            position = file.position
            row = listed.get(file.path)
            if row is None:
                yield self._problem(file.path, position, "not in the manifest")
            elif file.path in seen:
                yield self._problem(
                    row.path, position, "another file of this path came before, so which is meant?"
                )
            else:
                seen.add(file.path)
                yield self._entry(file, row)
        for path, row in listed.items():
            if path not in seen:
                problem = row.problem or (
                    "listed in the manifest, but not a picture"
                    if path in present
                    else "listed in the manifest but missing"
                )
                left.append(replace(row, problem=problem))
        for row in sorted(left, key=lambda row: row.line):
            where = f"{self._manifest.name} line {row.line}"
            yield self._problem(row.path or where, position, row.problem or "", row)

    def _resolved(self, present: frozenset[str]) -> tuple[dict[str, Row], list[Row]]:
        """Rows by the path of their picture, and those that cannot have one."""
        listed: dict[str, Row] = {}
        left: list[Row] = []
        for row in self._manifest.rows:
            path = clean_path(row.path)
            row = replace(row, path=path)
            if not path:
                left.append(row)
                continue
            target = self._target(path, present)
            former = listed.get(target)
            if former is None:
                listed[target] = row
            elif (former.label, former.split, former.problem) != (row.label, row.split, None):
                listed[target] = replace(
                    former, label=None, problem="listed twice, with different labels"
                )
        return listed, left

    def _target(self, path: str, present: frozenset[str]) -> str:
        folder = self._manifest.folder
        slashes = path.replace("\\", "/")
        candidates = (_joined(folder, path), path, _joined(folder, slashes), slashes)
        return next((found for found in candidates if found in present), candidates[0])

    def _entry(self, file: RawFile, row: Row) -> Entry:
        problem = row.problem or file.problem
        if problem is not None:
            return self._problem(row.path, file.position, problem, row if row.problem else None)
        return Entry(
            row.path, file.content, file.position, row.label, self._is_chip(row.path), row.split
        )

    def _problem(self, name: str, position: int, problem: str, row: Row | None = None) -> Entry:
        if row is not None:
            problem = f"{problem} ({self._manifest.name} line {row.line})"
        return Entry(name, b"", position, None, self._is_chip(name), problem=problem)

    def _is_chip(self, path: str) -> bool:
        return is_chip_name(path) if self._aligned is None else self._aligned


def _outside(path: Path, container: Container, top: str, limits: Limits) -> Manifest:
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
        # It lies in the folder after all, where its paths start from its own place.
        parent = path.resolve().relative_to(container.path.resolve()).parent
        folder = clean_path(parent.as_posix())
    return Manifest(
        path.name, folder, read_rows(content, str(path)), hashlib.sha256(content).hexdigest()
    )


def _joined(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path
