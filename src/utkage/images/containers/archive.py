"""The common part of tar and zip archives: one file whose members are read in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol

from utkage.core.errors import DataError
from utkage.core.files import sha256_of
from utkage.core.reporter import Reporter, SilentReporter
from utkage.images.containers.container import RawFile, is_picture_path
from utkage.images.containers.limits import Limits

# Members after which the progress of a scan is reported.
_MEMBERS_PER_STEP = 1000


class Member(Protocol):
    """One member of an archive that is not a folder."""

    @property
    def path(self) -> str:
        """Its clean path."""

    @property
    def position(self) -> int:
        """Bytes of the archive consumed so far."""

    def read(self) -> tuple[bytes, str | None]:
        """Its content and None, or empty bytes and the problem; only before the next member."""


@contextmanager
def damage_reported(path: Path | str, damage: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn the exceptions that a damaged archive causes into ``DataError``."""
    try:
        yield
    except damage as error:
        raise DataError(f"{path}: damaged archive ({error}); fetch it again") from error


class Archive(ABC):
    """A ``Container`` in one file; subclasses implement the format."""

    # Exceptions that the format's module raises on damaged archives.
    _damage: ClassVar[tuple[type[Exception], ...]]
    # Whether members can be read behind a damaged one.
    _members_are_independent: ClassVar[bool] = False

    def __init__(self, path: Path, limits: Limits, reporter: Reporter | None = None) -> None:
        self.path = path
        self.name = path.name.split(".")[0]
        self.total_bytes = path.stat().st_size
        self._limits = limits
        self._reporter = reporter or SilentReporter()

    @abstractmethod
    def _members(self) -> Iterator[Member]:
        """Yield the members in the order of the archive."""

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the archive file."""
        return sha256_of(self.path, self._reporter)

    def paths(self) -> tuple[str, ...]:
        """The paths of all members except folders; the first call may read the whole archive."""
        return self._paths

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        found: list[str] = []
        position = 0
        with (
            damage_reported(self.path, self._damage),
            self._reporter.progress(f"scanning {self.name}", self.total_bytes) as task,
        ):
            for member in self._members():
                found.append(member.path)
                if len(found) % _MEMBERS_PER_STEP == 0:
                    task.advance(member.position - position, f"{len(found)} entries")
                    position = member.position
        return tuple(found)

    def files(
        self, is_wanted: Callable[[str], bool] = is_picture_path, *, skip_damaged: bool = False
    ) -> Iterator[RawFile]:
        """Yield the pictures, or the files whose paths are wanted; no others are read.

        With ``skip_damaged``, a damaged file is one with a problem where the next ones can be read
        nevertheless, as in zip archives.
        """
        skips = skip_damaged and self._members_are_independent
        with damage_reported(self.path, self._damage):
            for member in self._members():
                if is_wanted(member.path):
                    try:
                        content, problem = member.read()
                    except self._damage as error:
                        if not skips or isinstance(error, DataError):
                            raise
                        content, problem = b"", f"cannot be read from the archive ({error})"
                    yield RawFile(member.path, content, member.position, problem)

    def read(self, path: str, max_bytes: int | None = None) -> bytes | None:
        """The content of the first member with this path, or None."""
        if max_bytes is not None:
            limits = replace(self._limits, max_entry_bytes=max_bytes)
            return type(self)(self.path, limits).read(path)
        with damage_reported(self.path, self._damage):
            for member in self._members():
                if member.path == path:
                    content, problem = member.read()
                    if problem is None:
                        return content
                    raise DataError(f"{self.path}: {path}: {problem}; replace it in the archive")
        return None
