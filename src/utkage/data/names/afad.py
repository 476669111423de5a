"""AFAD: folders ``<age>/<111 male or 112 female>/``.

Source: Niu et al., "Ordinal regression with multiple output CNN for age estimation", 2016.
"""

from __future__ import annotations

import re

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_PATH = re.compile(r"(?:.*/)?(?P<age>\d{1,3})/(?P<gender>11[12])/[^/]+", re.ASCII)


def _parse(path: str) -> FaceLabel:
    match = _PATH.fullmatch(path)
    if match is None:
        raise LabelError("path is not <age>/<111 or 112>/<name>, as in AFAD")
    return FaceLabel(int(match["age"]), ("111", "112").index(match["gender"]))


AFAD = NameGrammar("AFAD", "18/112/15-0.jpg", _parse)
