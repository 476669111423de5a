"""The members of a zip archive, in the order of its directory, without unpacking it."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from utkage.images.containers.archive import Archive
from utkage.images.containers.container import NOT_PLAIN, clean_path
from utkage.images.containers.limits import Budget

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # encrypted members, and as NotImplementedError unknown compressions
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
)


class ZipContainer(Archive):
    """A zip archive."""

    _damage = _DAMAGE

    def _members(self) -> Iterator[_Member]:
        budget = Budget(self._limits, self.path, self.total_bytes)
        position = 0
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                budget.count_member(info.file_size)
                # Members may share their bytes, so their sum can exceed the file size.
                position = min(position + info.compress_size, self.total_bytes)
                if not info.is_dir():
                    yield _Member(
                        path=clean_path(info.filename),
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
        problem = self.budget.too_large(self.info.file_size)
        if problem is not None:
            return b"", problem
        self.budget.count_file(self.info.file_size)
        # zipfile never yields more bytes than the directory claims, so the claim can be counted.
        self.budget.count_bytes(self.info.file_size)
        self.budget.check_ratio(self.position)
        return self.archive.read(self.info), None
