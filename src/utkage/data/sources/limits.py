"""How much a source may hold before it is taken for an attack or a mistake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import ConfigError, DataError

# Below this much unpacked data a high ratio harms nobody: empty archives compress very well.
RATIO_FREE_BYTES = 16 * 1024**2


@dataclass(frozen=True)
class Limits:
    """Upper bounds of one source.

    Attributes:
        max_entries: Files and other members, at least 1.
        max_entry_bytes: Size of one picture (or manifest), at least 1. A chip is some 10 kB and
            a photograph some MB. A larger picture is left out, the others are read.
        max_total_bytes: Unpacked size of all that is read, at least 1.
        max_ratio: Unpacked over packed size, at least 1. Pictures hardly compress.
        max_pixels: Width x height of one picture, at least 1; the decoder judges it by the
            header alone.
    """

    max_entries: int = 2_000_000
    max_entry_bytes: int = 64 * 1024**2
    max_total_bytes: int = 64 * 1024**3
    max_ratio: float = 200
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # Written so that NaN fails, too.
            if not value >= 1:
                raise ConfigError(f"{name} {value} must be at least 1")


class Budget:
    """Counts what one pass over a source has used, and stops it at a limit."""

    def __init__(self, limits: Limits, path: Path, packed_bytes: int | None = None) -> None:
        """Start at nothing.

        Args:
            limits: The bounds.
            path: Named in errors.
            packed_bytes: Size of the archive; None where nothing is packed.
        """
        self._limits = limits
        self._path = path
        self._packed = packed_bytes
        self._members = 0
        self._bytes = 0

    def member(self) -> None:
        """Count one file, link or folder.

        Raises:
            DataError: there are more than ``max_entries``.
        """
        self._members += 1
        if self._members > self._limits.max_entries:
            self._stop(f"more than {self._limits.max_entries} entries", "`max_entries`")

    def reading(self, size: int) -> None:
        """Count ``size`` unpacked bytes, before they are read.

        Raises:
            DataError: ``max_total_bytes`` or ``max_ratio`` is passed.
        """
        self._bytes += size
        if self._bytes > self._limits.max_total_bytes:
            self._stop(
                f"more than {self._limits.max_total_bytes} bytes unpacked", "`max_total_bytes`"
            )
        # Even the whole archive cannot justify this much, so there is no need to read on.
        if self._packed is not None:
            self.consumed(self._packed)

    def consumed(self, packed: int) -> None:
        """Compare what has been unpacked with the ``packed`` bytes that it came from.

        Raises:
            DataError: ``max_ratio`` is passed.
        """
        if self._packed is None or self._bytes <= RATIO_FREE_BYTES:
            return
        if self._bytes > self._limits.max_ratio * min(max(packed, 1), self._packed):
            self._stop(
                f"unpacks to more than {self._limits.max_ratio:g} times its size", "`max_ratio`"
            )

    def too_large(self, size: int) -> str | None:
        """The problem of one picture of ``size`` bytes, or None when it is within the limit."""
        limit = self._limits.max_entry_bytes
        if size <= limit:
            return None
        return f"{size} bytes is over the limit of {limit} bytes for one file (`max_entry_bytes`)"

    def _stop(self, what: str, option: str) -> None:
        raise DataError(
            f"{self._path}: {what}, which looks like an attack; if you trust it, raise {option}"
        )
