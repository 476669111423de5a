"""How a source is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from utkage.data.sources.limits import Limits


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read.

    Attributes:
        labels: A manifest with the labels (CSV, or JSON Lines if its suffix is ``.jsonl``);
            None searches for one inside the source.
        allow_missing_race: Whether to accept names ``<age>_<gender>_<date>.jpg``, without race.
        aligned: Whether pictures are aligned chips. None decides by the names, ``*.chip.jpg``, and
            by whether the first pictures are all square.
        limits: Upper bounds on size and number of files.
    """

    labels: Path | None = None
    allow_missing_race: bool = False
    aligned: bool | None = None
    limits: Limits = field(default_factory=Limits)
