"""What a source of labelled pictures is, to those who read from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from utkage.data.labels import FaceLabel


@dataclass(frozen=True)
class Entry:
    """One candidate picture of a source.

    Attributes:
        name: What reports call the picture: its bare file name, or its path in a manifest.
            Printable and never used as a path.
        content: The undecoded bytes; empty when ``problem`` is set.
        position: Bytes of the source consumed so far, for progress displays.
        label: What the source says of the face; None only together with ``problem``.
        aligned: Whether the picture is a chip already, rather than a photograph.
        split: ``train``, ``val`` or ``test`` where the source decides that itself.
        problem: Why the picture cannot be used, or None.
    """

    name: str
    content: bytes
    position: int
    label: FaceLabel | None
    aligned: bool
    split: str | None = None
    problem: str | None = None

    def __post_init__(self) -> None:
        if self.label is None and self.problem is None:
            raise ValueError(f"{self.name}: an entry needs a label or a problem")


class Source(Protocol):
    """A place that labelled pictures are read from."""

    @property
    def name(self) -> str:
        """Short name of the data set, for tables and messages."""

    @property
    def total_bytes(self) -> int:
        """Where ``Entry.position`` ends, at most."""

    def fingerprint(self) -> str:
        """Hex digits that change when what is read from changes."""

    def entries(self) -> Iterator[Entry]:
        """Yield every picture once, in an order that is the same on every run."""
