"""The pictures in one file, an archive or Parquet, read one after the other and never unpacked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from utkage.core.errors import DataError
from utkage.images.containers.archive_files import open_archive
from utkage.images.containers.container import RawFile, any_path, is_picture_path
from utkage.images.containers.limits import Limits
from utkage.images.containers.parquet_pictures import PARQUET_START, TablePictures
from utkage.images.formats import IMAGE_SUFFIXES
from utkage.images.video_formats import VIDEO_SUFFIXES

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Suffixes, lower case, of tar archives in any compression."""
ARCHIVE_SUFFIXES = (*TAR_SUFFIXES, ".zip", ".parquet")
"""Suffixes, lower case, of the files that patterns contribute, and that folders skip."""
_STARTS = (PARQUET_START, b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257

# Without content, a picture of its own at this path or address.
FoundPicture = RawFile | str


def is_picture_archive(path: Path) -> bool:
    """Whether a file is an archive or Parquet, by its suffix or its first bytes."""
    name = path.name.lower()
    if name.endswith(IMAGE_SUFFIXES):
        return False
    try:
        if not path.is_file():
            return False
        if name.endswith(ARCHIVE_SUFFIXES):
            return True
        with path.open("rb") as file:
            start = file.read(_TAR_MARK_AT + len(_TAR_MARK))
    except OSError:
        return False
    return start.startswith(_STARTS) or start[_TAR_MARK_AT:] == _TAR_MARK


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, which may list further files, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET_START)) == PARQUET_START
    except OSError:
        return False


def _ignore(path: str) -> None:
    """Do nothing."""


def pictures_in(
    path: Path,
    limits: Limits,
    is_wanted: Callable[[str], bool] = any_path,
    is_wanted_path: Callable[[str], bool] = any_path,
    on_video: Callable[[str], None] = _ignore,
) -> Iterator[FoundPicture]:
    """Yield the pictures in an archive or in Parquet, in its order.

    Parquet holds the pictures themselves or their paths, which are yielded as they are written.
    ``is_wanted`` receives the path of each picture in the file, and ``is_wanted_path`` each path
    that it lists; the others are not even read. ``on_video`` receives the path of each video in an
    archive, by its suffix.

    Raises:
        DataError: the file is damaged, over a limit, or holds no picture.
    """
    found = False

    def is_wanted_picture(inner: str) -> bool:
        nonlocal found
        if not is_picture_path(inner):
            if inner.lower().endswith(VIDEO_SUFFIXES):
                on_video(inner)
            return False
        found = True
        return is_wanted(inner)

    if is_parquet(path):
        yield from TablePictures(path, limits).pictures(is_wanted, is_wanted_path)
        return
    yield from open_archive(path, limits).files(is_wanted_picture, skip_damaged=True)
    if not found:
        raise DataError(f"{path}: holds no picture; name an archive or Parquet file with pictures")
