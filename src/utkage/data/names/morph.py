"""MORPH: ``<person>_<number><M or F><age>.JPG``.

Source: Ricanek and Tesafaye, "MORPH: a longitudinal image database of normal adult
age-progression", 2006.
"""

from __future__ import annotations

import re

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_NAME = re.compile(
    r"(?:.*/)?\d{4,7}_\d{1,3}(?P<gender>[MF])(?P<age>\d{1,3})\.[a-z]+", re.ASCII | re.IGNORECASE
)


def _parse(path: str) -> FaceLabel:
    match = _NAME.fullmatch(path)
    if match is None:
        raise LabelError("name is not <person>_<number><M or F><age>.jpg, as in MORPH")
    return FaceLabel(int(match["age"]), "MF".index(match["gender"].upper()))


MORPH = NameGrammar("MORPH", "009055_1M54.JPG", _parse)
