"""What tar and zip archives have in common: they are one file."""

from __future__ import annotations

from pathlib import Path

from utkage.core.files import sha256_of
from utkage.data.sources.limits import Limits


class ArchiveFile:
    """The part of ``Container`` that does not depend on the format inside."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.name = path.name.split(".")[0]
        self.total_bytes = path.stat().st_size
        self._limits = limits

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the archive file."""
        return sha256_of(self.path)
