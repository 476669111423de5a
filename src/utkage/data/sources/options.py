"""How a source is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from utkage.data.label_files.settings import LabelSettings
from utkage.images.containers.limits import Limits


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read.

    Attributes:
        labels: A label file, of any format in ``utkage.data.label_files.registry``; None searches
            for one inside the source.
        allow_missing_race: Whether to accept names ``<age>_<gender>_<date>.jpg``, without race.
        aligned: Whether pictures are aligned chips. None decides by the names, ``*.chip.jpg``, and
            by whether the first pictures are all square.
        limits: Upper bounds on size and number of files.
        settings: Which column is which, and how gender is coded.
        trust_labels: Whether to use a label file that contradicts the names of the pictures.
    """

    labels: Path | None = None
    allow_missing_race: bool = False
    aligned: bool | None = None
    limits: Limits = field(default_factory=Limits)
    settings: LabelSettings = field(default_factory=LabelSettings)
    trust_labels: bool = False
