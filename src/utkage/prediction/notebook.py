"""Rows as HTML for notebooks: a table, and above it the pictures with their boxes."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from utkage.core.errors import ImageError
from utkage.core.text import counted, printable
from utkage.images.decode import decode_image
from utkage.images.draw import Annotation, annotate
from utkage.prediction.rows import FaceRow, Row, label_lines
from utkage.reporting.table import Cell, Table

# Of more rows, the first are shown.
MOST_ROWS = 60
MOST_PICTURES = 6
# Width of a picture in the page, pixels.
_WIDTH = 360
_RIGHT = ' style="text-align:right"'


def rows_html(rows: Sequence[Row], table: Table) -> str:
    """A table of the first rows, and the first pictures of these that are still in their place.

    Rows are kept without their pictures, so the files are read again. One that is gone, has
    changed its size, or came from an archive or an array is left out.

    Args:
        rows: The rows.
        table: A line for each of the first ``MOST_ROWS`` rows.
    """
    by_name: dict[str, list[Row]] = {row.file: [] for row in rows[:MOST_ROWS]}
    for row in rows:
        if row.file in by_name:
            by_name[row.file].append(row)
    pictures = []
    for name, faces in by_name.items():
        found = _picture(name, faces)
        pictures += [] if found is None else [found]
        if len(pictures) == MOST_PICTURES:
            break
    return f"<div>{''.join(pictures)}{_table(table)}{_rest(len(rows))}</div>"


def _picture(name: str, rows: Sequence[Row]) -> str | None:
    boxes = [row for row in rows if isinstance(row, FaceRow) and row.box and not row.frame]
    if not boxes or not Path(name).is_file():
        return None
    with contextlib.suppress(ImageError):
        decoded = decode_image(name, allow_truncated=True)
        width, height = decoded.size
        if any(row.box[2] > 2 * width or row.box[3] > 2 * height for row in boxes if row.box):
            return None
        # Smaller first, so that labels have a size that can be read.
        shown = Image.fromarray(decoded.pixels)
        shown.thumbnail((_WIDTH, 2 * _WIDTH))
        scale = shown.width / width
        annotations = [
            Annotation(tuple(value * scale for value in row.box), label_lines(row))  # type: ignore[arg-type]
            for row in boxes
            if row.box
        ]
        content = io.BytesIO()
        Image.fromarray(annotate(np.asarray(shown), annotations)).save(content, "JPEG", quality=85)
        text = base64.b64encode(content.getvalue()).decode()
        label = escape(printable(name), quote=True)
        return f'<img src="data:image/jpeg;base64,{text}" alt="{label}" title="{label}"> '
    return None


def _table(table: Table) -> str:
    aligned = [_RIGHT if has_numbers else "" for has_numbers in _number_columns(table)]
    head = "".join(f"<th>{escape(title)}</th>" for title in table.columns)
    body = "".join(f"<tr>{''.join(_cells(row, aligned))}</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _number_columns(table: Table) -> list[bool]:
    return [
        any(row[index].value is not None for row in table.rows)
        for index in range(len(table.columns))
    ]


def _cells(row: Sequence[Cell], aligned: Sequence[str]) -> Iterator[str]:
    for cell, style in zip(row, aligned, strict=True):
        yield f"<td{style}>{escape(printable(cell.text))}</td>"


def _rest(count: int) -> str:
    left = count - MOST_ROWS
    return f"<p>and {counted(left, 'more row')}</p>" if left > 0 else ""
