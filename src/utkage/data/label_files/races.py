"""Races as label files write them."""

from __future__ import annotations

import re

from utkage.data.labels import RACES

_BY_NAME = {name.lower(): index for index, name in enumerate(RACES)}
_WHOLE = re.compile(r"(\d)(\.0*)?", re.ASCII)


def parse_race(text: str) -> int | None:
    """Index into ``RACES``, or None for a text that names none of them.

    The categories of other data sets are not mapped to these five.
    """
    match = _WHOLE.fullmatch(text)
    if match is not None:
        return int(match[1]) if int(match[1]) < len(RACES) else None
    return _BY_NAME.get(text.lower())
