"""Folders named after genders, such as ``Training/female/131422.jpg.jpg``; genders only."""

from __future__ import annotations

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.grammar import NameGrammar

_FOLDERS = {
    **dict.fromkeys(("male", "males", "man", "men", "boy", "boys"), 0),
    **dict.fromkeys(("female", "females", "woman", "women", "girl", "girls"), 1),
}


def _parse(path: str) -> FaceLabel:
    genders = {_FOLDERS[part] for part in path.lower().split("/")[:-1] if part in _FOLDERS}
    if len(genders) != 1:
        raise LabelError("path has no folder named male or female")
    return FaceLabel(None, genders.pop())


GENDER_FOLDERS = NameGrammar(
    "folders named after genders", "female/131422.jpg", _parse, is_complete=False
)
