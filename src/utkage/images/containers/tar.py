"""The members of a tar archive, streamed from front to back without unpacking it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from utkage.images.containers.archive import Archive, damage_reported
from utkage.images.containers.container import NOT_PLAIN, RawFile, clean_path, is_picture_path
from utkage.images.containers.limits import RATIO_FREE_BYTES, Budget, Limits

# A header that claims more is wrong, and tarfile would take hours to skip to the next member.
MAX_MEMBER_BYTES = 16 * 1024**3
# tarfile reads long names and extended headers into memory as a whole.
MAX_HEADER_BYTES = 1024**2
_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_PART_BYTES = 65_536
_PACKED: dict[bytes, Callable[[BinaryIO], IO[bytes]]] = {
    b"\x1f\x8b": lambda raw: cast("IO[bytes]", gzip.GzipFile(fileobj=raw)),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00\x00\x80": lzma.LZMAFile,
}
"""How files that begin so are unpacked."""
_START_BYTES = max(map(len, _PACKED))
_DAMAGE = (
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    # What tarfile raises on headers with invalid numbers or endless nesting.
    ValueError,
    IndexError,
    OverflowError,
    RecursionError,
)


def is_tar(path: Path) -> bool:
    """Whether the file starts as a tar archive in any compression.

    Raises:
        DataError: it starts as a compressed file, but is damaged or cannot be read.
    """
    with damage_reported(path, _DAMAGE):
        try:
            with path.open("rb") as raw, _unpacked(raw) as stream, _opened(stream):
                return True
        except tarfile.TarError:
            return False


class TarContainer(Archive):
    """A tar archive in any compression."""

    _damage = _DAMAGE

    def _members(self) -> Iterator[_Member]:
        with self.path.open("rb") as raw:
            yield from _members_of(raw, Budget(self._limits, self.path, self.total_bytes))


def pictures_in_tar(
    raw: BinaryIO, name: str, limits: Limits, packed_bytes: int
) -> Iterator[RawFile]:
    """Yield the pictures of a tar archive in any compression that is open for reading.

    Args:
        raw: The archive, which need not be a local file.
        name: What it is called in errors.
        limits: Upper bounds.
        packed_bytes: Size of the archive.

    Raises:
        DataError: the archive is damaged or over a limit.
    """
    with damage_reported(name, _DAMAGE):
        for member in _members_of(raw, Budget(limits, name, packed_bytes)):
            if is_picture_path(member.path):
                content, problem = member.read()
                yield RawFile(member.path, content, member.position, problem)


def _members_of(raw: BinaryIO, budget: Budget) -> Iterator[_Member]:
    with _unpacked(raw) as stream, _opened(stream) as archive:
        while (info := archive.next()) is not None:
            # tarfile keeps every header that it has read, which would fill the memory.
            archive.members = []  # type: ignore[attr-defined]  # typeshed lacks it
            path = clean_path(info.name)
            stored = archive.offset - info.offset_data
            if info.size < 0 or not 0 <= stored <= MAX_MEMBER_BYTES:
                raise tarfile.ReadError(f"{path} claims an impossible size")
            budget.count_member(info.size)
            budget.check_ratio(raw.tell())
            # A sparse file unpacks to more bytes than are stored.
            budget.count_bytes(max(stored, info.size))
            if info.isfile() and is_picture_path(path):
                budget.count_picture(info.size)
            if not info.isdir():
                yield _Member(path=path, info=info, archive=archive, raw=raw, budget=budget)
        if stream is not raw:
            _check_end(stream)


def _check_end(stream: IO[bytes]) -> None:
    """Read the padding after the last member, because the checksum of the whole follows it."""
    rest = RATIO_FREE_BYTES
    while rest > 0 and (part := stream.read(_PART_BYTES)):
        rest -= len(part)


@contextmanager
def _unpacked(raw: BinaryIO) -> Iterator[IO[bytes]]:
    """The bytes of a tar archive: of the file itself, or of what is packed in it.

    ``tarfile`` would unpack ten kilobytes at once, which may become ten gigabytes, know one part of
    a file that was packed in several, and no checksum.
    """
    start = raw.read(_START_BYTES)
    raw.seek(0)
    for mark, opened in _PACKED.items():
        if start.startswith(mark):
            with opened(raw) as stream:
                yield stream
            return
    yield raw


@dataclass(frozen=True, kw_only=True)
class _Member:
    path: str
    info: tarfile.TarInfo
    archive: tarfile.TarFile
    raw: BinaryIO
    budget: Budget

    @property
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
    """Raises an error on a damaged header, which tarfile takes for the end of the archive."""

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
            raise tarfile.ReadError(f"the archive is truncated or damaged: {error}") from error


def _opened(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo)
