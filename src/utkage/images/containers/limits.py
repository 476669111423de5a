"""Limits on the size of a source, against archives that would fill memory or disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import ConfigError, DataError
from utkage.images.reduction import MAX_PIXELS

# Below this unpacked size a high ratio is harmless: nearly empty archives compress very well.
RATIO_FREE_BYTES = 16 * 1024**2
# An archive with more members than these holds pictures only if they have some bytes each, both
# unpacked and in the archive. So millions of members need an archive of some hundred MB.
MANY_MEMBERS = 100_000
SMALL_MEMBER_BYTES = 64
# So many files that are read, and have hardly any content on average, are no pictures either: every
# one would be a failed row.
MANY_SMALL_FILES = 1000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds for one source; each is at least 1.

    Attributes:
        max_entries: Number of files and other members.
        max_entry_bytes: Size of one picture or manifest. Chips have about 10 kB, photographs some
            MB. A larger picture is dropped; the others are still read.
        max_total_bytes: Unpacked size of everything that is read.
        max_ratio: Unpacked size divided by packed size. Pictures hardly compress.
        max_pixels: Width x height of one picture; a larger one is reduced while it is read, or
            dropped, as its header decides.
    """

    max_entries: int = 50_000_000
    max_entry_bytes: int = 64 * 1024**2
    max_total_bytes: int = 8 * 1024**4
    max_ratio: float = 200
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # Also refuses NaN.
            if not value >= 1:
                raise ConfigError(f"`{name}` {value}: use at least 1")


class Budget:
    """Counts the members and bytes of one pass over a source.

    Methods raise ``DataError`` when a limit is exceeded.

    Args:
        limits: The upper bounds.
        path: The source, or its address, for error messages.
        packed_bytes: Size of the archive; None if the source is not packed.
    """

    def __init__(self, limits: Limits, path: Path | str, packed_bytes: int | None = None) -> None:
        self._limits = limits
        self._path = path
        self._packed = packed_bytes
        self._members = 0
        self._claimed = 0
        self._bytes = 0
        self._pictures = 0
        self._picture_bytes = 0

    def count_member(self, size: int | None = None) -> None:
        """Count one file, link or folder (``max_entries``), and its ``size`` if that is known."""
        self._members += 1
        self._claimed += size or 0
        if (
            size is not None
            and self._members > MANY_MEMBERS
            and self._small() < SMALL_MEMBER_BYTES * self._members
        ):
            raise DataError(
                f"{self._path}: more than {MANY_MEMBERS} entries, nearly all of them empty "
                "or with hardly any content, as in an attack; if you trust the source, unpack it "
                "and name the folder"
            )
        if self._members > self._limits.max_entries:
            self._stop(f"more than {self._limits.max_entries} entries", "max_entries")

    def count_picture(self, size: int) -> None:
        """Count one picture of ``size`` bytes, whether it is read or not."""
        self._pictures += 1
        self._picture_bytes += size
        many = self._pictures > MANY_SMALL_FILES
        if many and self._picture_bytes < SMALL_MEMBER_BYTES * self._pictures:
            raise DataError(
                f"{self._path}: its first {MANY_SMALL_FILES} pictures are empty or have hardly any "
                "content; make the archive again, or unpack it and name the folder"
            )

    def _small(self) -> int:
        """The bytes that all members have at most: what they claim, or the whole archive."""
        return self._claimed if self._packed is None else min(self._claimed, self._packed)

    def count_bytes(self, size: int) -> None:
        """Count ``size`` unpacked bytes, before they are read (``max_total_bytes``)."""
        self._bytes += size
        limit = self._limits.max_total_bytes
        if self._bytes > limit:
            self._stop(f"more than {limit} bytes unpacked", "max_total_bytes")
        # If even the whole archive is too small for this, there is no need to read on.
        if self._packed is not None:
            self.check_ratio(self._packed)

    def check_ratio(self, packed: int) -> None:
        """Compare the counted bytes with the ``packed`` bytes of their origin (``max_ratio``)."""
        if self._packed is None or self._bytes <= RATIO_FREE_BYTES:
            return
        limit = self._limits.max_ratio
        if self._bytes > limit * min(max(packed, 1), self._packed):
            self._stop(f"unpacks to more than {limit:g} times its size", "max_ratio")

    def too_large(self, size: int) -> str | None:
        """The problem of one file of ``size`` bytes, or None if it is within the limit."""
        limit = self._limits.max_entry_bytes
        if size <= limit:
            return None
        return f"{size} bytes is over the limit of {limit} bytes for one file (`max_entry_bytes`)"

    def _stop(self, excess: str, limit: str) -> None:
        raise DataError(
            f"{self._path}: {excess}, as in an attack; if you trust the source, raise `{limit}`"
        )
