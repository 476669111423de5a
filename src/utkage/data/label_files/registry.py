"""The formats and layouts of label files. To add one, write a module and list it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from utkage.data.label_files import delimited, json_lines, matlab, parquet
from utkage.data.label_files.adience import AdienceFold
from utkage.data.label_files.named_columns import LabelRows, NamedColumns
from utkage.data.label_files.row import Table
from utkage.data.label_files.settings import LabelSettings


class Layout(Protocol):
    """What the columns of a table mean."""

    @property
    def name(self) -> str:
        """Name for messages."""

    def fit(self, titles: tuple[str, ...], settings: LabelSettings) -> int:
        """Number of columns that are understood; 0 if the layout does not fit."""

    def rows(self, table: Table, settings: LabelSettings) -> LabelRows:
        """The rows of the table."""


# The first that fits reads the table.
LAYOUTS: tuple[Layout, ...] = (AdienceFold(), NamedColumns())


def layout_of(titles: tuple[str, ...], settings: LabelSettings) -> Layout:
    """The layout of a table with these titles; the last of ``LAYOUTS`` if none fits."""
    return next((layout for layout in LAYOUTS if layout.fit(titles, settings)), LAYOUTS[-1])


def understood(titles: tuple[str, ...], settings: LabelSettings) -> int:
    """Number of columns that some layout understands; 0: it is not the header of a label file."""
    return max(layout.fit(titles, settings) for layout in LAYOUTS)


@dataclass(frozen=True, kw_only=True)
class TextFormat:
    """A format of text files, whose encoding has to be found.

    Attributes:
        suffixes: Endings of file names, lower case.
        read: From text, name of the file and settings to the table.
    """

    suffixes: tuple[str, ...]
    read: Callable[[str, str, LabelSettings], Table]


@dataclass(frozen=True, kw_only=True)
class BinaryFormat:
    """A format of binary files.

    Attributes:
        suffixes: Endings of file names, lower case.
        starts: First bytes of its files.
        read: From content and name of the file to the table.
    """

    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    read: Callable[[bytes, str], Table]


def _delimited(text: str, name: str, settings: LabelSettings) -> Table:
    def fit(titles: tuple[str, ...]) -> int:
        return understood(titles, settings)

    return delimited.read_delimited(text, name, settings.columns, fit)


def _json(text: str, name: str, settings: LabelSettings) -> Table:
    return json_lines.read_json(text, name)


BINARY_FORMATS = (
    BinaryFormat(suffixes=parquet.SUFFIXES, starts=parquet.STARTS, read=parquet.read_parquet),
    BinaryFormat(suffixes=matlab.SUFFIXES, starts=matlab.STARTS, read=matlab.read_matlab),
)
# The last reads files with any other ending, too.
TEXT_FORMATS = (
    TextFormat(suffixes=json_lines.SUFFIXES, read=_json),
    TextFormat(suffixes=delimited.SUFFIXES, read=_delimited),
)
SUFFIXES: tuple[str, ...] = tuple(
    suffix for found in (*TEXT_FORMATS, *BINARY_FORMATS) for suffix in found.suffixes
)
# Files that people give as label files, and what to do with them.
FOREIGN: Mapping[str, str] = {
    ".xlsx": "an Excel workbook; save the sheet as 'CSV UTF-8'",
    ".xls": "an Excel workbook; save the sheet as 'CSV UTF-8'",
    ".ods": "a spreadsheet; save it as CSV",
    ".pkl": "a pickle, which may run any program when it is opened; save the table as CSV",
    ".npy": "a NumPy array; save the labels as CSV with path,age,gender",
    ".npz": "a NumPy archive; save the labels as CSV with path,age,gender",
}
