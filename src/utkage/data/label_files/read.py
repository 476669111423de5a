"""From the bytes of a label file to its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from utkage.core.errors import DataError
from utkage.data.label_files.further_columns import FurtherColumns
from utkage.data.label_files.registry import (
    BINARY_FORMATS,
    FOREIGN,
    TEXT_FORMATS,
    layout_of,
)
from utkage.data.label_files.row import Row, Table
from utkage.data.label_files.settings import LabelSettings
from utkage.data.label_files.text import BYTES, decodings

# Rows whose paths and labels decide which encoding is the right one.
_SAMPLE = 2000


@dataclass(frozen=True)
class LabelFile:
    """A label file that was understood.

    Attributes:
        rows: All rows, valid or not.
        notes: Sentences for the user, without the name of the file.
        further: The columns that are kept beside the labels.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    further: FurtherColumns = field(default_factory=FurtherColumns)


def read_label_file(
    content: bytes,
    name: str,
    settings: LabelSettings | None = None,
    is_there: Callable[[str], bool] = lambda path: False,
) -> LabelFile:
    """Parse a label file; its content and its suffix decide the format.

    Invalid rows are returned with their problem.

    Args:
        content: The bytes of the file.
        name: Its name, for the format and for messages.
        settings: What the user says about the columns.
        is_there: Whether there is a picture at a path of a row. Of the encodings in which the file
            may be written, the one that names the most pictures is the right one.

    Raises:
        DataError: the file is damaged, of an unknown format, or its columns are not understood.
        ConfigError: ``settings`` name columns of labels that are not there.
    """
    settings = settings or LabelSettings()
    suffix = PurePath(name).suffix.lower()
    for binary in BINARY_FORMATS:
        if content.startswith(binary.starts) or suffix in binary.suffixes:
            return _understood(binary.read(content, name), name, settings)
    if suffix in FOREIGN:
        raise DataError(f"{name}: {FOREIGN[suffix]}")
    text_format = next((f for f in TEXT_FORMATS if suffix in f.suffixes), TEXT_FORMATS[-1])
    failure: DataError | None = None
    best: tuple[tuple[int, ...], LabelFile, str] | None = None
    texts = list(decodings(content))
    for encoding, text in texts:
        try:
            found = _understood(text_format.read(text, name, settings), name, settings)
        except DataError as error:
            failure = failure or error
            continue
        score = _plausibility(found, is_there) if len(texts) > 1 else ()
        if best is None or score > best[0]:
            best = score, found, encoding
    if best is None:
        raise failure or DataError(f"{name}: not a text file; give a CSV with path,age,gender")
    _, found, encoding = best
    note = (f"not UTF-8; read as {encoding}",) if encoding != BYTES and len(texts) > 1 else ()
    return replace(found, notes=(*note, *found.notes))


def _understood(table: Table, name: str, settings: LabelSettings) -> LabelFile:
    try:
        found = layout_of(table.titles, settings).rows(table, settings)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return LabelFile(found.rows, found.notes, found.further)


def _plausibility(found: LabelFile, is_there: Callable[[str], bool]) -> tuple[int, ...]:
    """Numbers of rows with a picture, of valid rows, of ages and of genders."""
    rows = found.rows[:_SAMPLE]
    labels = [row.label for row in rows if row.label is not None]
    return (
        sum(is_there(row.path) for row in rows),
        sum(row.problem is None for row in rows),
        # A title that is not decoded rightly is not understood, and its column is missing.
        sum(label.years is not None for label in labels),
        sum(label.gender is not None for label in labels),
    )
