"""CSV and its relatives: commas, semicolons, tabs, bars or spaces, with a header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Container, Iterator, Mapping

from utkage.core.errors import DataError
from utkage.data.label_files.columns import PREDICTIONS, find_columns, listed, suggestion
from utkage.data.label_files.row import Line, Table
from utkage.data.label_files.titles import AGE, GENDER, PATH, PIXELS, RACE
from utkage.images.containers.path_titles import simple_title
from utkage.images.formats import IMAGE_SUFFIXES

SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".psv")
DELIMITERS = (",", ";", "\t", "|", ":", " ")
# Excel writes this line above the header, and reads it as the choice of the delimiter.
_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
# The reader of the standard library refuses longer cells; pictures as pixels are longer.
_CELL_LIMIT = 131_072
_PIXEL_CELL_LIMIT = 64 * 1024**2


class HeaderMissingError(DataError):
    """The first line of a table already names a picture."""


# From the titles of a table to the number of columns that a layout understands; 0: no layout fits.
Fit = Callable[[tuple[str, ...]], int]


def read_delimited(text: str, name: str, columns: Mapping[str, str], fit: Fit) -> Table:
    """Parse a table.

    Args:
        text: The content of the file.
        name: Name of the file in messages.
        columns: Titles, or places from 1, by role that the user gave.
        fit: How many titles of a header are understood.

    Raises:
        DataError: the first line is not the header of a label file.
    """
    skipped, header, chosen = _header(text)
    delimiter, titles, has_header = _understand(header, chosen, name, columns, fit)
    limit = _PIXEL_CELL_LIMIT if PIXELS in find_columns(titles, {}).by_role else _CELL_LIMIT
    first = skipped + has_header
    lines = tuple(_lines(text, delimiter, titles, first, limit))
    return Table(titles=titles, lines=lines)


def delimited_rows(
    text: str, known: Container[str]
) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Read a table that a spreadsheet may have saved with another delimiter.

    Args:
        text: The content of the file.
        known: Simple titles; the delimiter is the one that separates the most of them.

    Returns:
        The titles, and an iterator over the number of each line in the file and its cells by
        title; missing ones are empty. It raises ``csv.Error`` where the text is not CSV.
    """
    skipped, header, chosen = _header(text)
    delimiter = chosen or max(
        DELIMITERS,
        key=lambda each: sum(simple_title(title) in known for title in _split(header, each)),
    )
    file = io.StringIO(text, newline="")
    for _ in range(skipped):
        file.readline()
    reader = csv.DictReader(file, restkey="", restval="", delimiter=delimiter)
    titles = list(reader.fieldnames or ())
    rows = (
        (skipped + reader.line_num, {title: cells[title] for title in titles}) for cells in reader
    )
    return titles, rows


def _header(text: str) -> tuple[int, str, str | None]:
    """The number of lines above the header, the header, and the delimiter of a ``sep=`` line."""
    skipped, chosen = 0, None
    rest = text
    while rest:
        match = re.match(r"[^\r\n]*", rest)
        line = match[0] if match else ""
        separator = _SEPARATOR_LINE.fullmatch(line)
        if separator is not None:
            chosen = "\t" if line.lower().rstrip('"').endswith("\\t") else separator[1]
        elif line.strip() and not line.startswith("#"):
            return skipped, line, chosen
        end = re.match(r"\r\n|\r|\n", rest[len(line) :])
        if end is None:
            break
        rest = rest[len(line) + len(end[0]) :]
        skipped += 1
    return skipped, "", chosen


def _understand(
    header: str, chosen: str | None, name: str, columns: Mapping[str, str], fit: Fit
) -> tuple[str, tuple[str, ...], bool]:
    """The delimiter, the titles, and whether the first line is a header.

    The delimiter is the one that separates the most known titles. That is more reliable than
    guessing it from the data.
    """
    splits = {
        delimiter: titles
        for delimiter in ((chosen,) if chosen else DELIMITERS)
        if (titles := _split(header, delimiter))
    }
    if columns and all(place.strip().isdecimal() for place in columns.values()):
        # Places instead of titles: the file may lack a header.
        delimiter = max(splits, key=lambda key: len(splits[key]), default=",")
        titles = splits.get(delimiter, ())
        is_data = any(title.endswith(IMAGE_SUFFIXES) for title in titles)
        numbered = tuple(str(place) for place in range(1, len(titles) + 1))
        return delimiter, numbered, not is_data
    best = max(splits, key=lambda delimiter: fit(splits[delimiter]), default=None)
    if best is not None and fit(splits[best]):
        return best, splits[best], True
    if columns:
        # Raises an error that names the chosen title that is not there.
        find_columns(max(splits.values(), key=len, default=()), columns)
    message = _not_understood(name, splits)
    names_pictures = any(
        title.endswith(IMAGE_SUFFIXES) for titles in splits.values() for title in titles
    )
    raise HeaderMissingError(message) if names_pictures else DataError(message)


def _split(header: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return ()
    return tuple(cell.strip().lower() for cell in cells)


def _not_understood(name: str, splits: Mapping[str, tuple[str, ...]]) -> str:
    """Say which columns were found and which are meant."""
    titles = max(splits.values(), key=len, default=())
    start = f"{name}: the first line does not name the columns of a label file"
    if not any(titles):
        return f"{start}; it is empty or not text. Give a CSV with path,age,gender"
    if predicted := [title for title in titles if title in PREDICTIONS]:
        return (
            f"{name}: holds predictions ({predicted[0]}), not labels; score them as those of "
            "another program, with `weights`"
        )
    if any(title.endswith(IMAGE_SUFFIXES) for title in titles):
        places = ",".join(f"{role}={place}" for place, role in enumerate(_guess(titles), 1) if role)
        return (
            f"{start}; it already holds data: {listed(titles)}. Add a header such as "
            f"path,age,gender, or say which column is which: `columns={places}`"
        )
    roles = find_columns(titles, {})
    repeated = sorted({title for title in titles if titles.count(title) > 1})
    lacking = [
        text
        for text, there in (
            ("the path of the picture", roles.title(PATH)),
            ("an age or a gender", roles.has_age or roles.title(GENDER)),
        )
        if not there
    ]
    detail = f"{listed(repeated)} is there twice" if repeated else f"none is {' or '.join(lacking)}"
    return (
        f"{start}; found {listed(titles)}: {detail}. Rename them to path,age,gender, or say which "
        f"is which: `columns={suggestion(titles)}`"
    )


def _guess(titles: tuple[str, ...]) -> Iterator[str]:
    """Likely roles of the cells of a line of data, for a suggestion."""
    left = [AGE, GENDER, RACE]
    for title in titles:
        if title.endswith(IMAGE_SUFFIXES):
            yield PATH
        else:
            yield left.pop(0) if left else ""


def _lines(
    text: str, delimiter: str, titles: tuple[str, ...], skip: int, limit: int
) -> Iterator[Line]:
    with io.StringIO(text, newline="") as file:
        spaces = delimiter == " "
        reader = csv.reader(file, delimiter=delimiter, skipinitialspace=spaces)
        while True:
            # The limit is one for the whole process, so it is set for each line only.
            before = csv.field_size_limit(limit)
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # The reader continues after the invalid line.
                yield Line(number=reader.line_num, problem=f"not CSV ({error})")
                continue
            finally:
                csv.field_size_limit(before)
            if reader.line_num <= skip or not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(titles):
                cells = _rejoined(cells, delimiter)
            stripped = (cell.strip() for cell in cells)
            yield Line(number=reader.line_num, cells=dict(zip(titles, stripped, strict=False)))


def _rejoined(cells: list[str], delimiter: str) -> list[str]:
    """Join the halves of ``(25, 32)``, which some programs write without quotes."""
    joined: list[str] = []
    for cell in cells:
        start = joined[-1].strip() if joined else ""
        if start.startswith(("(", "[")) and not start.endswith((")", "]")):
            joined[-1] += delimiter + cell
        else:
            joined.append(cell)
    return joined
