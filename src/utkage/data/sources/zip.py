"""The picture files of a zip archive, in the order of its directory, never unpacked."""

from __future__ import annotations

import contextlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator

from utkage.core.errors import DataError
from utkage.data.sources.archive import ArchiveFile
from utkage.data.sources.container import NOT_PLAIN, RawFile, clean_path, is_picture
from utkage.data.sources.limits import Budget

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # encrypted; NotImplementedError, an unknown compression, is one too
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
)


class ZipContainer(ArchiveFile):
    """A zip archive."""

    def paths(self) -> tuple[str, ...]:
        """The paths of all members that are no folders.

        Raises:
            DataError: the archive is damaged or over a limit.
        """
        budget = Budget(self._limits, self.path, self.total_bytes)
        with self._opened() as archive:
            return tuple(path for path, _ in _members(archive, budget))

    def files(self) -> Iterator[RawFile]:
        """Yield the pictures.

        Raises:
            DataError: the archive is damaged or over a limit.
        """
        budget = Budget(self._limits, self.path, self.total_bytes)
        position = 0
        with self._opened() as archive:
            for path, info in _members(archive, budget):
                # Members that share their bytes add up to more than there is.
                position = min(position + info.compress_size, self.total_bytes)
                if is_picture(path):
                    content, problem = _read(archive, info, position, budget)
                    yield RawFile(path, content, position, problem)

    def read(self, path: str) -> bytes | None:
        """Content of the first member of that path.

        Raises:
            DataError: the archive is damaged or over a limit, or the member is.
        """
        budget = Budget(self._limits, self.path, self.total_bytes)
        with self._opened() as archive:
            for name, info in _members(archive, budget):
                if name == path:
                    content, problem = _read(archive, info, info.compress_size, budget)
                    if problem is not None:
                        raise DataError(
                            f"{self.path}: {path}: {problem}; replace it in the archive"
                        )
                    return content
        return None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except _DAMAGE as error:
            raise DataError(f"{self.path}: damaged archive ({error}); fetch it again") from error


def _members(archive: zipfile.ZipFile, budget: Budget) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    for info in archive.infolist():
        budget.member()
        if not info.is_dir():
            yield clean_path(info.filename), info


def _read(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, consumed: int, budget: Budget
) -> tuple[bytes, str | None]:
    # Unix programs keep the kind of file here, and in a link's content the place it leads to.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return b"", NOT_PLAIN
    problem = budget.too_large(info.file_size)
    if problem is not None:
        return b"", problem
    # zipfile never yields more than the directory claims, so that the claim can be counted.
    budget.reading(info.file_size)
    budget.consumed(consumed)
    return archive.read(info), None
