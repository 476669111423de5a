"""CACD: ``<age>_<name>_<number>.jpg``; ages only.

Source: Chen, Chen and Hsu, "Cross-age reference coding for age-invariant face recognition and
retrieval", 2014.
"""

from __future__ import annotations

import re

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_NAME = re.compile(r"(?:.*/)?(?P<age>\d{1,3})_[^\d\W][^/]*_\d{4}\.[a-z]+", re.IGNORECASE)


def _parse(path: str) -> FaceLabel:
    match = _NAME.fullmatch(path)
    if match is None:
        raise LabelError("name is not <age>_<name>_<number>.jpg, as in CACD")
    return FaceLabel(int(match["age"]), None)


CACD = NameGrammar("CACD", "53_Robin_Williams_0001.jpg", _parse, is_complete=False)
