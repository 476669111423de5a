"""What formats and layouts produce: tables of texts, and rows with labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from utkage.data.labels import FaceLabel

_SHOWN = 40

# Returns the undecoded bytes of a picture that a label file contains.
PictureLoader = Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a table.

    Attributes:
        number: Number, from 1, of the row, or of the line of the file on which it ends.
        cells: Text of each cell by the title of its column.
        picture: Loader of the picture that the line contains, or None.
        problem: Why the line cannot be read, or None.
    """

    number: int
    cells: Mapping[str, str] = field(default_factory=dict)
    picture: PictureLoader | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """The content of a label file before its columns are understood.

    Attributes:
        titles: Titles of the columns, lower case, in order.
        lines: The lines below the header.
        value_names: Names of the values of columns that hold whole numbers, where the file says
            so, by title.
        has_pictures: Whether the lines contain pictures.
    """

    titles: tuple[str, ...]
    lines: tuple[Line, ...]
    value_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    has_pictures: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a label file.

    Attributes:
        line: Line of the file on which it ends, from 1.
        path: Path as written; empty if the row has no valid path.
        other_paths: Further paths at which the picture may be.
        label: The label of the face; None only if there is a problem.
        split: ``train``, ``val`` or ``test``, or None if the row has no split.
        picture: Loader of the picture that the row contains; None if it is a file.
        box: Left, top, right and bottom of the face in the picture, pixels; None if unknown.
        is_chip: Whether the row contains an aligned chip.
        attributes: Values of further columns, such as ``{"glasses": "yes"}``.
        problem: Why the row cannot be used, or None.
    """

    line: int
    path: str = ""
    other_paths: tuple[str, ...] = ()
    label: FaceLabel | None = None
    split: str | None = None
    picture: PictureLoader | None = None
    box: tuple[float, float, float, float] | None = None
    is_chip: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


def shown(text: str) -> str:
    """A cell as one short line of ASCII, because it may contain anything."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
