"""The members of a zip archive, in the order of its directory, without unpacking it."""

from __future__ import annotations

import bz2
import copy
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import DataError
from utkage.images.containers.archive import Archive
from utkage.images.containers.container import NOT_PLAIN, clean_path, is_picture_path
from utkage.images.containers.limits import Budget

# Bytes that are unpacked at once. Those of LZMA are the packed ones, which may become some thousand
# times as many.
_PART_BYTES, _LZMA_PART_BYTES = 65_536, 4096
# The end of the directory without its comment, and the number in place of one that is elsewhere.
_END_BYTES, _ZIP64_VOLUME = 22, 0xFFFF
_ENCRYPTED = 1
_COMPRESSIONS = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # as NotImplementedError, unknown versions and kinds of encryption
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
)


class ZipContainer(Archive):
    """A zip archive."""

    _damage = _DAMAGE
    _members_are_independent = True

    def _members(self) -> Iterator[_Member]:
        budget = Budget(self._limits, self.path, self.total_bytes)
        position = 0
        with zipfile.ZipFile(self.path) as archive:
            if _volume(archive, self.path, self.total_bytes):
                raise split_archive(self.path)
            for info in archive.infolist():
                budget.count_member(info.file_size)
                # Members may share their bytes, so their sum can exceed the file size.
                position = min(position + info.compress_size, self.total_bytes)
                if not info.is_dir():
                    path = clean_path(info.filename)
                    # Also of those that a shard does not read, so that all shards end alike.
                    budget.count_bytes(info.file_size)
                    budget.check_ratio(position)
                    if is_picture_path(path):
                        budget.count_picture(info.file_size)
                    yield _Member(
                        path=path,
                        position=position,
                        info=info,
                        archive=archive,
                        budget=budget,
                    )


@dataclass(frozen=True, kw_only=True)
class _Member:
    path: str
    position: int
    info: zipfile.ZipInfo
    archive: zipfile.ZipFile
    budget: Budget

    def read(self) -> tuple[bytes, str | None]:
        # Unix programs store the file type here, and the target of a link as its content.
        file_type = stat.S_IFMT(self.info.external_attr >> 16)
        if file_type not in (0, stat.S_IFREG):
            return b"", NOT_PLAIN
        problem = _unreadable(self.info) or self.budget.too_large(self.info.file_size)
        if problem is not None:
            return b"", problem
        return _content(self.archive, self.info), None


def _volume(archive: zipfile.ZipFile, path: Path, size: int) -> int:
    """Number of the part that an archive ends in; 0 if it is in one file."""
    with path.open("rb") as file:
        file.seek(size - _END_BYTES - len(archive.comment))
        volume = int.from_bytes(file.read(_END_BYTES)[4:6], "little")
    # That of a zip64 archive is elsewhere, where zipfile itself refuses several parts.
    return 0 if volume == _ZIP64_VOLUME else volume


def split_archive(path: Path) -> DataError:
    """The error for a part of an archive in several files."""
    return DataError(
        f"{path}: is a part of an archive that was split into several files; join them first, for "
        "example with zip -s 0 FILE.zip --out WHOLE.zip"
    )


def _unreadable(info: zipfile.ZipInfo) -> str | None:
    """Why a member of an archive that is whole cannot be unpacked."""
    if info.flag_bits & _ENCRYPTED:
        return "encrypted; unpack the archive with its password, and use the folder"
    if info.compress_type not in _COMPRESSIONS:
        return (
            f"packed by method {info.compress_type}, which Python cannot unpack; unpack it with "
            "another program, and use the folder"
        )
    return None


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of a member, never unpacked to much more than its directory claims.

    ``ZipFile.read`` unpacks everything and cuts it afterwards.
    """
    if info.compress_type == zipfile.ZIP_BZIP2:
        return _bzip2_content(archive, info)
    size = _LZMA_PART_BYTES if info.compress_type == zipfile.ZIP_LZMA else _PART_BYTES
    parts = []
    with archive.open(info) as stream:
        while part := stream.read(size):
            parts.append(part)
    return b"".join(parts)


def _bzip2_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of a member in bzip2, which packs up to a million times."""
    packed = copy.copy(info)
    packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
    # That of the content; the packed bytes have none.
    del packed.CRC
    with archive.open(packed) as stream:
        content = bz2.BZ2Decompressor().decompress(stream.read(), info.file_size + 1)
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
    return content
