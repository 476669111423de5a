"""FG-NET: ``<person>A<age><letter>.JPG``, and All-Age-Faces, whose names are alike; ages only.

Source: Panis et al., "Overview of research on facial ageing using the FG-NET ageing database",
2016; Cheng et al., "Exploiting effective facial patches for robust gender recognition", 2019.
"""

from __future__ import annotations

import re

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_NAME = re.compile(
    r"(?:.*/)?(?:\d{3}|\d{5})A(?P<age>\d{2,3})[a-z]?\.[a-z]+", re.ASCII | re.IGNORECASE
)


def _parse(path: str) -> FaceLabel:
    match = _NAME.fullmatch(path)
    if match is None:
        raise LabelError("name is not <person>A<age>.jpg, as in FG-NET")
    return FaceLabel(int(match["age"]), None)


FGNET = NameGrammar("FG-NET", "001A43a.JPG", _parse, is_complete=False)
