"""Sources of labelled pictures: the interface, and the entries that they yield."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from utkage.data.labels import FaceLabel


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One candidate picture of a source.

    Attributes:
        name: Name in reports: the file name, or the path in a manifest. It is printable and never
            used as a path.
        content: Undecoded bytes; empty if there is a problem.
        position: Bytes of the source consumed so far, for progress displays.
        label: The label of the face; None only if there is a problem.
        aligned: Whether the picture is an aligned chip rather than a photograph.
        split: ``train``, ``val`` or ``test`` if the source defines it, else None.
        attributes: Values of further columns of the label file by name.
        problem: Why the picture cannot be used, or None.
    """

    name: str
    content: bytes
    position: int
    label: FaceLabel | None
    aligned: bool
    split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    def __post_init__(self) -> None:
        if self.label is None and self.problem is None:
            raise ValueError(f"{self.name}: an entry needs a label or a problem")


class Source(Protocol):
    """A data set of labelled pictures."""

    @property
    def name(self) -> str:
        """Short name of the data set, for tables and messages."""

    @property
    def total_bytes(self) -> int:
        """Upper bound of ``Entry.position``."""

    def fingerprint(self) -> str:
        """Hex digits that change when the content of the source changes."""

    def entries(self) -> Iterator[Entry]:
        """Yield every picture once, in the same order on every run.

        Raises:
            DataError: the data set is damaged or over a limit.
        """
