"""IMDB-WIKI: ``<number>_<date of birth>_<year of the photograph>.jpg``; ages only.

The age is that of the middle of the year in which the photograph was taken, as the authors compute
it. Source: Rothe, Timofte and Van Gool, "DEX: Deep expectation of apparent age from a single
image", 2015.
"""

from __future__ import annotations

import re

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_NAME = re.compile(
    r"(?:.*/)?(?:nm\d+_rm\d+|\d+)_(?P<year>\d{4})-(?P<month>\d{1,2})-\d{1,2}_(?P<taken>\d{4})"
    r"\.[a-z]+",
    re.ASCII | re.IGNORECASE,
)
_MIDDLE_MONTH = 7


def age_at_mid_year(taken: int, birth_year: int, birth_month: int) -> int:
    """Completed years in the middle of the year ``taken``."""
    return taken - birth_year - (birth_month >= _MIDDLE_MONTH)


def is_imdb_wiki_name(path: str) -> bool:
    """Whether the path follows the grammar."""
    return _NAME.fullmatch(path) is not None


def _parse(path: str) -> FaceLabel:
    match = _NAME.fullmatch(path)
    if match is None:
        raise LabelError("name is not <number>_<date of birth>_<year>.jpg, as in IMDB-WIKI")
    age = age_at_mid_year(int(match["taken"]), int(match["year"]), int(match["month"]))
    return FaceLabel(age, None)


IMDB_WIKI = NameGrammar("IMDB-WIKI", "17/10000217_1981-05-05_2009.jpg", _parse, is_complete=False)
