"""Reading the entries of a source, for the tests of every kind of source."""

from __future__ import annotations

from pathlib import Path

from utkage.data.sources.base import Entry
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source
from utkage.images.containers.limits import Limits

CHIP_NAME = "25_1_2_20170116174525125.jpg.chip.jpg"


def read_entries(path: Path, limits: Limits | None = None) -> list[Entry]:
    """All entries of the folder or archive."""
    return list(open_source(path, SourceOptions(limits=limits or Limits())).entries())
