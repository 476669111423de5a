"""The picture files of a tar archive, streamed from front to back and never unpacked."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from utkage.core.errors import DataError
from utkage.data.sources.archive import ArchiveFile
from utkage.data.sources.container import NOT_PLAIN, RawFile, clean_path, is_picture
from utkage.data.sources.limits import Budget

# Whatever else lies in an archive: a header that claims more than this is lying, and tarfile would
# skip to where it points in small steps, for hours.
MAX_MEMBER_BYTES = 16 * 1024**3
# Long names and extended headers are read into memory as a whole.
MAX_HEADER_BYTES = 1024**2
_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_DAMAGE = (
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    # What tarfile lets out on headers with nonsense in numbers or nested without end.
    ValueError,
    IndexError,
    OverflowError,
    RecursionError,
)


def is_tar(path: Path) -> bool:
    """Whether the file begins as a tar archive in any compression.

    Raises:
        DataError: it does begin as a compressed file, but a damaged one, or cannot be read.
    """
    with _damage_reported(path):
        try:
            with path.open("rb") as raw, _opened(raw):
                return True
        except tarfile.TarError:
            return False


class TarContainer(ArchiveFile):
    """A tar archive in any compression, in archive order."""

    def paths(self) -> tuple[str, ...]:
        """The paths of all members that are no folders; the first call reads the whole archive.

        Raises:
            DataError: the archive is damaged or over a limit.
        """
        return self._paths

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(member.path for member in self._members())

    def files(self) -> Iterator[RawFile]:
        """Yield the pictures; the archive is decompressed as it is read.

        Raises:
            DataError: the archive is damaged or over a limit.
        """
        for member in self._members():
            if is_picture(member.path):
                content, problem = member.read()
                yield RawFile(member.path, content, member.position(), problem)

    def read(self, path: str) -> bytes | None:
        """Content of the first member of that path.

        Raises:
            DataError: the archive is damaged or over a limit, or the member is.
        """
        for member in self._members():
            if member.path == path:
                content, problem = member.read()
                if problem is not None:
                    raise DataError(f"{self.path}: {path}: {problem}; replace it in the archive")
                return content
        return None

    def _members(self) -> Iterator[_Member]:
        budget = Budget(self._limits, self.path, self.total_bytes)
        with (
            _damage_reported(self.path),
            self.path.open("rb") as raw,
            _opened(raw) as archive,
        ):
            while (info := archive.next()) is not None:
                # tarfile keeps every header it has seen, which nobody asks for again.
                archive.members = []  # type: ignore[attr-defined]  # typeshed lacks it
                path = clean_path(info.name)
                stored = archive.offset - info.offset_data
                if info.size < 0 or not 0 <= stored <= MAX_MEMBER_BYTES:
                    raise tarfile.ReadError(f"{path} claims an impossible size")
                budget.member()
                budget.consumed(raw.tell())
                # A sparse file is larger than what is stored of it.
                budget.reading(max(stored, info.size))
                if not info.isdir():
                    yield _Member(path, info, archive, raw, budget)


@dataclass(frozen=True)
class _Member:
    """One member, which can be read until the next one is asked for."""

    path: str
    info: tarfile.TarInfo
    archive: tarfile.TarFile
    raw: BinaryIO
    budget: Budget

    def position(self) -> int:
        return self.raw.tell()

    def read(self) -> tuple[bytes, str | None]:
        if not self.info.isfile():
            return b"", NOT_PLAIN
        problem = self.budget.too_large(self.info.size)
        if problem is not None:
            return b"", problem
        stream = self.archive.extractfile(self.info)
        return (stream.read() if stream is not None else b""), None


class _StrictTarInfo(tarfile.TarInfo):
    """Makes a damaged header an error; tarfile takes it for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictTarInfo:
        """Read one header block."""
        info = super().frombuf(buf, encoding, errors)
        if info.type in _HEADER_TYPES and info.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"an extended header claims {info.size} bytes")
        return info

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _StrictTarInfo:
        """Read the next header."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"the archive breaks off or is damaged: {error}") from error


def _opened(raw: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(fileobj=raw, mode="r|*", tarinfo=_StrictTarInfo)


@contextlib.contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(f"{path}: damaged archive ({error}); fetch it again") from error
