"""The manifest of a prepared set: one CSV line per decoded picture, used or not."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from utkage.data.csv_file import read_csv
from utkage.data.labels import AgeRange, FaceLabel
from utkage.data.records import Record
from utkage.data.split import SPLITS
from utkage.faces.contract import Point

# Digits of whole numbers in a manifest, and of hashes; a perceptual hash has 32 bytes.
_MOST_DIGITS = 12
_HASH_DIGITS = 64
_LINES_PER_PART = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestRow:
    """One decoded picture of a prepared set.

    Attributes:
        row: Row of its chip in the chip file.
        record: Label, hashes and size.
        group: Id of its duplicate group.
        split: ``"train"``, ``"val"`` or ``"test"``; empty if the picture is not used.
        assigned_split: The split of its component of duplicates, whether it is used or not.
        reason: Why it is not used; empty if it is used.
    """

    row: int
    record: Record
    group: str
    split: str
    assigned_split: str
    reason: str


# Columns of the CSV and their values.
_COLUMNS: dict[str, Callable[[ManifestRow], object]] = {
    "row": lambda item: item.row,
    "source": lambda item: item.record.source,
    "name": lambda item: item.record.name,
    "age": lambda item: _text(item.record.label.age),
    "gender": lambda item: _text(item.record.label.gender),
    "race": lambda item: _text(item.record.label.race),
    "split": lambda item: item.split,
    "side": lambda item: item.assigned_split,
    "reason": lambda item: item.reason,
    "group": lambda item: item.group,
    "byte_hash": lambda item: item.record.byte_hash,
    "pixel_hash": lambda item: item.record.pixel_hash,
    "perceptual": lambda item: item.record.perceptual.hex(),
    "width": lambda item: item.record.width,
    "height": lambda item: item.record.height,
    "aligned": lambda item: int(item.record.aligned),
    "wrong_extension": lambda item: int(item.record.wrong_extension),
    "constant": lambda item: int(item.record.constant),
}
# Further columns of sets with ages that are ranges.
_RANGE_COLUMNS: dict[str, Callable[[ManifestRow], object]] = {
    "age_low": lambda item: "" if (years := item.record.label.years) is None else years.first,
    "age_high": lambda item: "" if (years := item.record.label.years) is None else years.last,
}


# A further column of sets with photographs.
_LANDMARKS: dict[str, Callable[[ManifestRow], object]] = {
    "landmarks": lambda item: " ".join(f"{x:.1f} {y:.1f}" for x, y in item.record.landmarks),
}
# Before the names of further columns of the label file.
_ATTRIBUTE = "label:"


def manifest_csv(rows: Sequence[ManifestRow]) -> Iterator[str]:
    """The manifest as CSV, in parts; columns of age ranges and others only if there are any."""
    has_ranges = any(item.record.label.age_range is not None for item in rows)
    columns = {**_COLUMNS, **_RANGE_COLUMNS} if has_ranges else dict(_COLUMNS)
    if any(item.record.landmarks for item in rows):
        columns |= _LANDMARKS
    attributes = dict.fromkeys(name for item in rows for name in item.record.attributes)
    columns |= {f"{_ATTRIBUTE}{name}": partial(_attribute, name) for name in attributes}
    return csv_parts(tuple(columns), ([value(item) for value in columns.values()] for item in rows))


def read_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """Read a file that ``manifest_csv`` wrote.

    Raises:
        DataError: not CSV in UTF-8, or a column is missing.
        ValueError, LabelError: a cell holds something else.
    """
    return tuple(_row(cells) for _, cells in read_csv(path, tuple(_COLUMNS)))


def csv_parts(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV text with line feeds only, on every system, in parts of bounded length."""
    rest = chain((header,), lines)
    while part := list(islice(rest, _LINES_PER_PART)):
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(part)
        yield buffer.getvalue()


def _attribute(name: str, item: ManifestRow) -> str:
    return item.record.attributes.get(name, "")


def _text(value: int | None) -> object:
    return "" if value is None else value


def _label(line: dict[str, str]) -> FaceLabel:
    age, gender, race = (
        _whole(line, name) if line[name] else None for name in ("age", "gender", "race")
    )
    if age is None and line.get("age_low"):
        years = AgeRange(_whole(line, "age_low"), _whole(line, "age_high"))
        return FaceLabel(None, gender, race, years)
    return FaceLabel(age, gender, race)


def _whole(line: dict[str, str], name: str) -> int:
    text = line.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError(f"{name} is {ascii(text)[:40]}, not a whole number")
    return int(text)


def _flag(line: dict[str, str], name: str) -> bool:
    return bool(_whole(line, name))


def _hash(line: dict[str, str], name: str) -> str:
    text = line[name]
    if len(text) != _HASH_DIGITS or not set(text) <= set("0123456789abcdef"):
        raise ValueError(f"{name} is {ascii(text)[:40]}, not {_HASH_DIGITS} hexadecimal digits")
    return text


def _split(line: dict[str, str], name: str) -> str:
    text = line[name]
    if text not in (*SPLITS, ""):
        raise ValueError(f"{name} is {ascii(text)[:40]}, not one of {', '.join(SPLITS)}")
    return text


def _landmarks(line: dict[str, str]) -> tuple[Point, ...]:
    numbers = [float(number) for number in line.get("landmarks", "").split()]
    if len(numbers) not in (0, 10) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"landmarks is {ascii(line['landmarks'])[:40]}, not ten numbers")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _row(line: dict[str, str]) -> ManifestRow:
    return ManifestRow(
        row=_whole(line, "row"),
        record=Record(
            source=line["source"],
            name=line["name"],
            label=_label(line),
            byte_hash=_hash(line, "byte_hash"),
            pixel_hash=_hash(line, "pixel_hash"),
            perceptual=bytes.fromhex(_hash(line, "perceptual")),
            width=_whole(line, "width"),
            height=_whole(line, "height"),
            aligned=_flag(line, "aligned"),
            wrong_extension=_flag(line, "wrong_extension"),
            constant=_flag(line, "constant"),
            attributes={
                title.removeprefix(_ATTRIBUTE): value
                for title, value in line.items()
                if value and title.startswith(_ATTRIBUTE)
            },
            landmarks=_landmarks(line),
        ),
        group=line["group"],
        split=_split(line, "split"),
        assigned_split=_split(line, "side"),
        reason=line["reason"],
    )
