"""Which kind of archive a file is, by its content."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from utkage.core.errors import DataError
from utkage.core.reporter import Reporter
from utkage.images.containers.archive import Archive
from utkage.images.containers.limits import Limits
from utkage.images.containers.tar import TarContainer, is_tar
from utkage.images.containers.zip import ZipContainer, split_archive

# Names of the parts of an archive in several files: .z01, .001.
_PART = re.compile(r"\.(z\d\d|\d{3})", re.IGNORECASE)
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def open_archive(path: Path, limits: Limits, reporter: Reporter | None = None) -> Archive:
    """Open a tar (any compression) or zip archive; its content decides the format.

    ``reporter`` shows the progress of scanning it.

    Raises:
        DataError: it is neither, damaged, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            starts_as_zip = file.read(4) in _ZIP_STARTS
        # zipfile looks at the end, so a tar whose last member is a zip looks like a zip, too.
        ends_as_zip = zipfile.is_zipfile(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    except zipfile.BadZipFile as error:
        # The end of a zip64 archive that names several files.
        raise split_archive(path) from error
    if starts_as_zip and ends_as_zip:
        return ZipContainer(path, limits, reporter)
    if is_tar(path):
        return TarContainer(path, limits, reporter)
    if _PART.fullmatch(path.suffix):
        raise split_archive(path)
    if ends_as_zip:
        return ZipContainer(path, limits, reporter)
    if starts_as_zip:
        raise DataError(f"{path}: damaged archive (its directory is missing); fetch it again")
    raise DataError(f"{path}: neither a folder nor a tar or zip archive; unpack or fetch it again")
