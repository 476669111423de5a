"""Further columns of a label file, such as skin tone, glasses or camera: which are kept, and how.

By default, only columns with few and short values are kept, and none that may identify a person:
a prepared set is passed on more easily than the label file that it came from. A user names other
columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from utkage.core.errors import ConfigError
from utkage.data.label_files.columns import PREDICTIONS, listed
from utkage.data.label_files.row import Line, Table
from utkage.data.label_files.settings import LabelSettings
from utkage.data.label_files.titles import BOX
from utkage.images.containers.path_titles import simple_title, words

NOTHING = "none"
"""In place of names: keep no column."""
# Limits of what is kept without being named.
MOST_COLUMNS = 20
MOST_VALUES = 50
LONGEST_VALUE = 40
_MOST_WORDS = 4
# A column of few rows may have this many values, however many rows there are.
_FEW_VALUES = 3
# Longest value of a column that a user names; longer ones are unknown.
LONGEST_NAMED_VALUE = 200
UNKNOWN = frozenset(("", "nan", "null", "n/a", "na", "-"))
"""Cells, in lower case, that hold no value."""
# Words in the titles of columns that may identify somebody, place them, or hold free text.
_PRIVATE = frozenset(
    words(
        """
        name names person persons people id ids identity subject participant patient user username
        account member customer employee student celebrity actor email mail e_mail phone telephone
        mobile address street city postcode zip zipcode birth birthday born dob ssn passport licence
        license url uri link comment comments note notes remark remarks text description caption
        title latitude longitude lat lon lng gps ip date time timestamp hash key uuid file path
        filename index row unnamed
        """
    )
)


@dataclass(frozen=True)
class FurtherColumns:
    """The columns of a table that are kept beside the labels.

    Attributes:
        titles: Title in the table by the name under which a column is kept.
        longest: Longest value, characters; longer ones are unknown.
        value_names: Names of the values of columns that hold whole numbers, by title.
        notes: Sentences for the user.
        absent: Names that the user wants, but the table does not have.
        others: Names of all columns that could be kept, if the user names some.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    longest: int = LONGEST_VALUE
    value_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def of(self, line: Line) -> dict[str, str]:
        """The values of a line by the names of their columns; unknown ones are missing."""
        values = {name: self._value(line, title) for name, title in self.titles.items()}
        return {name: value for name, value in values.items() if value}

    def _value(self, line: Line, title: str) -> str:
        return cell_value(line.cells.get(title, ""), self.value_names.get(title, ()), self.longest)


def cell_value(cell: str, names: Sequence[str] = (), longest: int = LONGEST_VALUE) -> str:
    """The value of a cell on one line; empty if it is unknown or too long.

    ``names`` are those of the values of a column that holds whole numbers.
    """
    text = " ".join(cell.split())
    if text.isdecimal() and len(text) < 4 and int(text) < len(names):
        text = " ".join(names[int(text)].split())
    known = text.lower() not in UNKNOWN and len(text) <= longest and text.isprintable()
    return text if known else ""


def find_further_columns(
    table: Table, used: Sequence[str], settings: LabelSettings
) -> FurtherColumns:
    """Choose the columns to keep.

    Args:
        table: The label file.
        used: Titles of the columns that hold paths, labels and the like.
        settings: Names of the columns that the user wants, if any.
    """
    others = list(_others(table, used))
    if settings.keep_columns is None:
        kept = {name: title for name, title in others if _is_kept(name, title, table)}
        first = dict(list(kept.items())[:MOST_COLUMNS])
        return FurtherColumns(first, LONGEST_VALUE, table.value_names, _kept_note(first, len(kept)))
    wanted = tuple(dict.fromkeys(map(simple_title, settings.keep_columns)))
    if wanted == (NOTHING,):
        return FurtherColumns()
    known = dict(others)
    return FurtherColumns(
        {name: known[name] for name in wanted if name in known},
        LONGEST_NAMED_VALUE,
        table.value_names,
        absent=tuple(name for name in wanted if name not in known),
        others=tuple(known),
    )


def require_named(columns: Mapping[str, FurtherColumns]) -> tuple[str, ...]:
    """Refuse names of columns that no label file has.

    Args:
        columns: The further columns of each label file, by its name.

    Returns:
        Sentences for the user about label files that lack a column which another has.

    Raises:
        ConfigError: a column that the user names is in none of them.
    """
    found = {name for own in columns.values() for name in own.titles}
    others = dict.fromkeys(name for own in columns.values() for name in own.others)
    notes = []
    for file, own in columns.items():
        for name in own.absent:
            if name not in found:
                raise ConfigError(
                    f"`keep_columns` {name}: no such column beside the labels; the label "
                    f"{'file has' if len(columns) == 1 else 'files have'} "
                    f"{listed(list(others)) or 'no further column'}"
                )
            notes.append(f"{file}: has no column {name}, so it is unknown for these pictures")
    return tuple(notes)


def _kept_note(kept: Mapping[str, str], of: int) -> tuple[str, ...]:
    if not kept:
        return ()
    count = (
        f"the first {len(kept)} of {of} further columns" if of > len(kept) else "further columns"
    )
    return (
        f"{count} kept: {listed(list(kept))}; `keep_columns` names others, `keep_columns=none` "
        "keeps none",
    )


def _others(table: Table, used: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and title of each column that holds neither a label nor a prediction."""
    taken = {*used, *BOX}
    names: set[str] = set()
    for title in table.titles:
        name = simple_title(title)
        if title in taken or not name or name in PREDICTIONS or name in names:
            continue
        names.add(name)
        yield name, title


def _is_kept(name: str, title: str, table: Table) -> bool:
    if _PRIVATE & set(name.split("_")) or len(name) > LONGEST_VALUE or not name.isprintable():
        return False
    value_names = table.value_names.get(title, ())
    values: set[str] = set()
    filled = 0
    for line in table.lines:
        cell = line.cells.get(title, "").strip()
        if cell.lower() in UNKNOWN:
            continue
        value = cell_value(cell, value_names)
        # One long cell, or a few words, make the column free text.
        if not value or len(value.split()) > _MOST_WORDS:
            return False
        values.add(value)
        filled += 1
        if len(values) > MOST_VALUES:
            return False
    return 0 < len(values) <= max(_FEW_VALUES, filled // 2)
