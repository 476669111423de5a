"""The common layout: the header names the columns of path, age and gender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from utkage.core.errors import DataError, LabelError
from utkage.data.label_files.ages import parse_age
from utkage.data.label_files.columns import Columns, find_columns, listed, suggestion
from utkage.data.label_files.further_columns import FurtherColumns, find_further_columns
from utkage.data.label_files.genders import (
    FEMALE,
    MALE,
    GenderColumn,
    parse_coding,
    understand_column,
)
from utkage.data.label_files.pixels import picture_of_pixels
from utkage.data.label_files.races import parse_race
from utkage.data.label_files.row import Line, Row, Table, shown
from utkage.data.label_files.settings import LabelSettings
from utkage.data.label_files.titles import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    BOX,
    GENDER,
    IMAGE,
    PATH,
    PIXELS,
    RACE,
    SPLIT,
)
from utkage.data.labels import AgeRange, FaceLabel
from utkage.data.names.imdb_wiki import is_imdb_wiki_name
from utkage.data.split import SPLITS

_SPLIT_NAMES = {
    **{split: split for split in SPLITS},
    "training": "train",
    "valid": "val",
    "validation": "val",
    "testing": "test",
}
_MAX_PATH = 4096
# Words in the titles of columns of age groups, and the numbers that such groups may have.
_GROUP_WORDS = ("group", "bin", "class", "categor", "bucket")
_GROUP_NUMBERS = {str(number) for number in range(16)}
# The coding of IMDB-WIKI, whose tables are known by the names of their pictures.
_IMDB_WIKI_CODING = {"0": FEMALE, "1": MALE}


@dataclass(frozen=True)
class LabelRows:
    """The rows of a label file, and notes about it.

    Attributes:
        rows: All rows, valid or not.
        notes: Sentences for the user.
        further: The columns that are kept beside the labels.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    further: FurtherColumns = field(default_factory=FurtherColumns)


class NamedColumns:
    """Any table whose header names a picture and its age, its gender, or both."""

    name = "named columns"

    def fit(self, titles: tuple[str, ...], settings: LabelSettings) -> int:
        """Number of columns that are understood; 0 if they do not name pictures and labels."""
        lower = [title.strip().lower() for title in settings.columns.values()]
        if not all(title in titles or title.isdecimal() for title in lower):
            return 0
        columns = find_columns(titles, settings.columns)
        return len(columns.by_role) if columns.are_labels else 0

    def rows(self, table: Table, settings: LabelSettings) -> LabelRows:
        """Turn every line into a row.

        Raises:
            DataError: the columns do not name pictures and labels.
        """
        samples = [line.cells for line in table.lines[:50]]
        image = IMAGE if table.has_pictures else None
        columns = find_columns(table.titles, settings.columns, samples, image)
        if not columns.are_labels:
            raise DataError(
                f"found the columns {listed(table.titles)}; none names the picture, or none its "
                f"age or gender: say which is which, `columns={suggestion(table.titles)}`"
            )
        _refuse_group_numbers(table, columns)
        genders, note = _gender_column(table, columns, settings)
        further = find_further_columns(table, tuple(columns.by_role.values()), settings)
        reader = _LineReader(columns, table.value_names, genders, further)
        rows = tuple(reader.row(line) for line in table.lines)
        notes = (*note, *_race_note(table, columns), *_missing_note(table, columns), *further.notes)
        return LabelRows(rows, notes, further)


def _missing_note(table: Table, columns: Columns) -> tuple[str, ...]:
    """A sentence if there are no ages, or no genders, but columns that are not understood."""
    used = set(columns.by_role.values())
    others = [title for title in table.titles if title and title not in used]
    missing = [
        role
        for role, there in ((AGE, columns.has_age), (GENDER, GENDER in columns.by_role))
        if not there
    ]
    if not others or not missing:
        return ()
    role = missing[0]
    return (
        f"no column holds the {role}; if one of {listed(others)} does, say so with "
        f"`columns={role}={others[0]}`",
    )


def _refuse_group_numbers(table: Table, columns: Columns) -> None:
    """Refuse a column of age groups that holds numbers of groups, such as 0 to 7.

    Raises:
        DataError: it does.
    """
    title = columns.title(AGE)
    if title is None or title in table.value_names:
        return
    texts = {_plain(line.cells.get(title, "")) for line in table.lines} - {"", "nan"}
    is_group = any(word in title for word in _GROUP_WORDS)
    if is_group and texts and texts <= _GROUP_NUMBERS:
        found = ", ".join(sorted(texts)[:4])
        raise DataError(
            f"the column {title} holds numbers of groups ({found}), not ages; write the ranges "
            "instead, such as 20-29"
        )


def _gender_column(
    table: Table, columns: Columns, settings: LabelSettings
) -> tuple[GenderColumn, tuple[str, ...]]:
    title = columns.title(GENDER)
    if title is None:
        return GenderColumn(), ()
    coding = parse_coding(settings.gender_coding) if settings.gender_coding else None
    texts = [_named(line.cells.get(title, ""), title, table.value_names) for line in table.lines]
    note: tuple[str, ...] = ()
    path = columns.title(PATH)
    if coding is None and path is not None and set(map(_plain, texts)) <= {"0", "1", "", "nan"}:
        names = [line.cells.get(path, "") for line in table.lines]
        if names and sum(map(is_imdb_wiki_name, names)) > len(names) / 2:
            coding = _IMDB_WIKI_CODING
            note = (
                "the pictures are named as in IMDB-WIKI, so gender is read in its coding, 0 female "
                "and 1 male; `gender_coding=0=male,1=female` reads it the other way round",
            )
    return understand_column(texts, title, coding), note


def _plain(text: str) -> str:
    return text.strip().lower().removesuffix(".0")


def _race_note(table: Table, columns: Columns) -> tuple[str, ...]:
    title = columns.title(RACE)
    if title is None:
        return ()
    texts = [_named(line.cells.get(title, ""), title, table.value_names) for line in table.lines]
    unknown = Counter(text for text in texts if text and parse_race(text) is None)
    if not unknown:
        return ()
    names = ", ".join(shown(text).strip("'") for text, _ in unknown.most_common(5))
    return (
        f"race left empty in {sum(unknown.values())} of {len(texts)} rows, because it is none of "
        f"White, Black, Asian, Indian, Others ({names})",
    )


def _named(cell: str, title: str, value_names: Mapping[str, tuple[str, ...]]) -> str:
    """The name of a value, where the file has names for the numbers of the column."""
    numbered = {str(number): name for number, name in enumerate(value_names.get(title, ()))}
    return numbered.get(cell, cell)


@dataclass(frozen=True)
class _LineReader:
    """Reads the lines of one table."""

    columns: Columns
    value_names: Mapping[str, tuple[str, ...]]
    genders: GenderColumn
    further: FurtherColumns

    def row(self, line: Line) -> Row:
        if line.problem is not None:
            return Row(line=line.number, problem=line.problem)
        path = self._cell(line, PATH)
        picture = line.picture
        try:
            if self.columns.title(PIXELS) is not None:
                picture = picture_of_pixels(self._cell(line, PIXELS))
            if not path and picture is not None:
                path = f"row-{line.number:06d}.png"
            if not path:
                raise LabelError("the path is missing")
            if "\n" in path or "\0" in path or len(path) > _MAX_PATH:
                return Row(line=line.number, problem="not a path; is a quote left open?")
            gender = None
            years = self._years(line) if self.columns.has_age else None
            if self.columns.title(GENDER) is not None:
                gender = self.genders.parse(self._cell(line, GENDER))
            race = parse_race(self._cell(line, RACE))
            return Row(
                line=line.number,
                path=path,
                label=FaceLabel.of_years(years, gender, race),
                split=parse_split(self._cell(line, SPLIT)),
                picture=picture,
                box=_box(line),
                is_chip=self.columns.title(PIXELS) is not None,
                attributes=self.further.of(line),
            )
        except LabelError as error:
            problem = str(error)
            return Row(
                line=line.number, path=path, picture=picture, box=_box(line), problem=problem
            )

    def _cell(self, line: Line, role: str) -> str:
        title = self.columns.title(role)
        return "" if title is None else _named(line.cells.get(title, ""), title, self.value_names)

    def _years(self, line: Line) -> AgeRange:
        text = self._cell(line, AGE)
        low, high = self._cell(line, AGE_LOW), self._cell(line, AGE_HIGH)
        if not text and low and high:
            first, last = parse_age(low).first, parse_age(high).last
            if first > last:
                raise LabelError(f"age {first}-{last} is a range that ends before it starts")
            return AgeRange(first, last)
        if self.columns.title(AGE) == "apparent_age_avg":
            # A mean of ratings, which is not a count of completed years.
            return _rounded(text)
        return parse_age(text)


def _box(line: Line) -> tuple[float, float, float, float] | None:
    """The box of Lagenda's columns; None without them, or if one is not a number."""
    try:
        left, top, right, bottom = (float(line.cells[title]) for title in BOX)
    except (KeyError, ValueError):
        return None
    return (left, top, right, bottom) if right > left >= 0 and bottom > top >= 0 else None


def _rounded(text: str) -> AgeRange:
    try:
        return parse_age(str(round(float(text))))
    except (ValueError, OverflowError):
        return parse_age(text)


def parse_split(text: str) -> str | None:
    """``train``, ``val`` or ``test``; None for an empty cell.

    Raises:
        LabelError: any other text, since a picture in the wrong split would be leakage.
    """
    if not text:
        return None
    if text.lower() not in _SPLIT_NAMES:
        raise LabelError(f"split {shown(text)} is none of {', '.join(SPLITS)}")
    return _SPLIT_NAMES[text.lower()]
