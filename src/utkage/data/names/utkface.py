"""UTKFace: ``<age>_<gender>_<race>_<date>.jpg``; ``utkage.data.labels`` has the grammar."""

from __future__ import annotations

from functools import partial

from utkage.data.labels import FaceLabel, parse_name
from utkage.data.names.grammar import NameGrammar


def _parse(path: str, allow_missing_race: bool = False) -> FaceLabel:
    return parse_name(path.rpartition("/")[2], allow_missing_race=allow_missing_race)


UTKFACE = NameGrammar("UTKFace", "25_1_2_20170116174525125.jpg", _parse)
UTKFACE_WITHOUT_RACE = NameGrammar(
    "UTKFace", "25_1_20170116174525125.jpg", partial(_parse, allow_missing_race=True)
)
