"""Where labelled pictures come from: a folder, a tar archive or a zip file, read one at a time.

Archives are streamed and never unpacked: a member's name is only ever read as a label, no path
from an archive is used to write anything, and members that are not plain files (links, devices)
are reported instead of followed.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from utkage.core.errors import DataError, UsageError
from utkage.images.formats import IMAGE_SUFFIXES

# A chip is some 10 kB and a photograph some MB; more than this is not a face picture.
MAX_ENTRY_BYTES = 64 * 1024 * 1024
# Whatever else lies in an archive: a header that claims more than this is lying, and tarfile would
# skip to where it points in small steps, for hours.
MAX_MEMBER_BYTES = 16 * 1024**3


@dataclass(frozen=True)
class Entry:
    """One candidate picture of a source.

    Attributes:
        name: Bare file name, which carries the label.
        content: The undecoded bytes; empty when ``problem`` is set.
        position: Bytes of the source consumed so far, for progress displays.
        problem: Why the entry cannot be read, or None.
    """

    name: str
    content: bytes
    position: int
    problem: str | None = None


class Source(Protocol):
    """A place that labelled pictures are read from."""

    name: str
    total_bytes: int

    def entries(self) -> Iterator[Entry]:
        """Yield every picture once, in an order that is the same on every run."""


def open_source(path: Path) -> Source:
    """Choose the reader for ``path``: a folder, a tar (any compression) or a zip file.

    Raises:
        UsageError: there is nothing at ``path``.
        DataError: the file is not an archive that we can read.
    """
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise UsageError(
            f"{path}: no such folder or archive; give the path of UTKFace.tar.gz or its folder"
        )
    if zipfile.is_zipfile(path):
        return ZipSource(path)
    try:
        if tarfile.is_tarfile(path):
            return TarSource(path)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: damaged archive ({error}); fetch it again") from error
    raise DataError(f"{path}: neither a folder nor a tar or zip archive")


class FolderSource:
    """Every picture below a folder, in sorted order; links that leave the folder are reported."""

    def __init__(self, path: Path) -> None:
        self.name = path.resolve().name
        self._root = path
        self._files = sorted(
            file for file in path.rglob("*") if _is_picture(file.name) and not file.is_dir()
        )
        self.total_bytes = sum(_size(file) for file in self._files)

    def entries(self) -> Iterator[Entry]:
        """Yield the pictures, sorted by path."""
        root = self._root.resolve()
        position = 0
        for file in self._files:
            position += _size(file)
            name = _bare_name(file.name)
            if not file.resolve().is_relative_to(root):
                yield Entry(name, b"", position, "a link that leaves the folder")
            elif not file.is_file():
                yield Entry(name, b"", position, "not a plain file")
            elif _size(file) > MAX_ENTRY_BYTES:
                yield Entry(name, b"", position, _too_large(_size(file)))
            else:
                try:
                    content = file.read_bytes()
                except OSError as error:
                    yield Entry(name, b"", position, f"cannot be read ({error.strerror})")
                else:
                    yield Entry(name, content, position)


class TarSource:
    """The pictures of a tar archive, in archive order, streamed once from front to back."""

    def __init__(self, path: Path) -> None:
        self.name = path.name.split(".")[0]
        self._path = path
        self.total_bytes = path.stat().st_size

    def entries(self) -> Iterator[Entry]:
        """Yield the pictures; the archive is decompressed as it is read.

        Raises:
            DataError: the archive is damaged.
        """
        try:
            with (
                self._path.open("rb") as raw,
                tarfile.open(fileobj=raw, mode="r|*", tarinfo=_StrictTarInfo) as archive,
            ):
                for member in archive:
                    name = _bare_name(member.name)
                    if archive.offset - member.offset_data > MAX_MEMBER_BYTES:
                        raise tarfile.ReadError(f"{name} claims an impossible size")
                    if member.isdir() or not _is_picture(name):
                        continue
                    if not member.isfile():
                        yield Entry(name, b"", raw.tell(), "not a plain file")
                        continue
                    if member.size > MAX_ENTRY_BYTES:
                        yield Entry(name, b"", raw.tell(), _too_large(member.size))
                        continue
                    stream = archive.extractfile(member)
                    content = stream.read() if stream is not None else b""
                    yield Entry(name, content, raw.tell())
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DataError(f"{self._path}: damaged archive ({error}); fetch it again") from error


class ZipSource:
    """The pictures of a zip file, in the order of its directory."""

    def __init__(self, path: Path) -> None:
        self.name = path.name.split(".")[0]
        self._path = path
        self.total_bytes = path.stat().st_size

    def entries(self) -> Iterator[Entry]:
        """Yield the pictures.

        Raises:
            DataError: the archive is damaged.
        """
        position = 0
        try:
            with zipfile.ZipFile(self._path) as archive:
                for member in archive.infolist():
                    name = _bare_name(member.filename)
                    position += member.compress_size
                    if member.is_dir() or not _is_picture(name):
                        continue
                    if member.file_size > MAX_ENTRY_BYTES:
                        yield Entry(name, b"", position, _too_large(member.file_size))
                        continue
                    yield Entry(name, archive.read(member), position)
        except (
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            RuntimeError,  # encrypted; NotImplementedError, an unknown compression, is one too
            EOFError,
            OSError,
        ) as error:
            raise DataError(f"{self._path}: damaged archive ({error}); fetch it again") from error


class _StrictTarInfo(tarfile.TarInfo):
    """Makes a damaged header an error; tarfile takes it for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _StrictTarInfo:
        """Read the next header."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"the archive breaks off or is damaged: {error}") from error


def _bare_name(path: str) -> str:
    # Bytes that are not UTF-8 arrive as lone surrogates, which nothing can print or write.
    return PurePosixPath(path).name.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_picture(name: str) -> bool:
    # Files starting with "._" are resource forks that macOS adds to archives.
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _too_large(size: int) -> str:
    return f"{size} bytes is over the limit of {MAX_ENTRY_BYTES} bytes for one picture"
