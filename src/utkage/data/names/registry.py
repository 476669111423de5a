"""The grammars of file names. To add one, write a module like its neighbours and list it here."""

from __future__ import annotations

from collections.abc import Sequence

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.afad import AFAD
from utkage.data.names.agedb import AGEDB
from utkage.data.names.cacd import CACD
from utkage.data.names.fgnet import FGNET
from utkage.data.names.gender_folders import GENDER_FOLDERS
from utkage.data.names.grammar import NameGrammar
from utkage.data.names.imdb_wiki import IMDB_WIKI
from utkage.data.names.morph import MORPH
from utkage.data.names.utkface import UTKFACE, UTKFACE_WITHOUT_RACE

# Tried in this order; the first that most pictures follow labels the data set. Those that have age
# and gender come first.
GRAMMARS: tuple[NameGrammar, ...] = (
    UTKFACE,
    AGEDB,
    MORPH,
    AFAD,
    FGNET,
    IMDB_WIKI,
    CACD,
    GENDER_FOLDERS,
)
# A grammar labels a data set if more than this share of the pictures follows it.
_SHARE = 0.5


def recognise_grammar(
    paths: Sequence[str], *, allow_missing_race: bool = False
) -> NameGrammar | None:
    """The grammar that most of the pictures follow, or None.

    Names without race are UTKFace's only with ``allow_missing_race``.
    """
    first = UTKFACE_WITHOUT_RACE if allow_missing_race else UTKFACE
    for grammar in (first, *GRAMMARS[1:]):
        followers = sum(label_in_name(path, grammar) is not None for path in paths)
        if followers > _SHARE * len(paths):
            return grammar
    return None


def label_in_name(path: str, grammar: NameGrammar) -> FaceLabel | None:
    """The label that the path contains by ``grammar``, or None if it does not follow it."""
    try:
        return grammar.parse(path)
    except LabelError:
        return None
