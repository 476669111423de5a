"""AgeDB: ``<number>_<name>_<age>_<m or f>.jpg``.

Source: Moschoglou et al., "AgeDB: the first manually collected, in-the-wild age database", 2017.
"""

from __future__ import annotations

import re

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_NAME = re.compile(
    r"(?:.*/)?\d+_[^/]+_(?P<age>\d{1,3})_(?P<gender>[mf])\.[a-z]+", re.ASCII | re.IGNORECASE
)


def _parse(path: str) -> FaceLabel:
    match = _NAME.fullmatch(path)
    if match is None:
        raise LabelError("name is not <number>_<name>_<age>_<m or f>.jpg, as in AgeDB")
    return FaceLabel(int(match["age"]), "mf".index(match["gender"].lower()))


AGEDB = NameGrammar("AgeDB", "0_MariaCallas_35_f.jpg", _parse)
