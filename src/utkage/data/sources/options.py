"""What a caller may say about a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from utkage.data.sources.limits import Limits


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read.

    Attributes:
        labels: A manifest (CSV, or JSON Lines by its suffix ``.jsonl``) that holds the labels;
            None looks for one inside the source.
        allow_missing_race: Accept names ``<age>_<gender>_<date>.jpg``; their race is None.
        aligned: Whether pictures are chips already; None judges by the names, ``*.chip.jpg``,
            and by whether the first pictures are all square.
        limits: Upper bounds.
    """

    labels: Path | None = None
    allow_missing_race: bool = False
    aligned: bool | None = None
    limits: Limits = field(default_factory=Limits)
