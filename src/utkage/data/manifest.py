"""The manifest of a prepared set: one CSV line per decoded picture, used or not."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utkage.data.labels import FaceLabel
from utkage.data.records import Record

COLUMNS = (
    "row",
    "source",
    "name",
    "age",
    "gender",
    "race",
    "split",
    "side",
    "reason",
    "group",
    "byte_hash",
    "pixel_hash",
    "perceptual",
    "width",
    "height",
    "aligned",
    "wrong_extension",
    "constant",
)


@dataclass(frozen=True, kw_only=True)
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


def manifest_csv(rows: Sequence[ManifestRow]) -> str:
    """The manifest as CSV text."""
    return csv_text(
        COLUMNS,
        (
            (
                item.row,
                item.record.source,
                item.record.name,
                item.record.label.age,
                item.record.label.gender,
                "" if item.record.label.race is None else item.record.label.race,
                item.split,
                item.assigned_split,
                item.reason,
                item.group,
                item.record.byte_hash,
                item.record.pixel_hash,
                item.record.perceptual.hex(),
                item.record.width,
                item.record.height,
                int(item.record.aligned),
                int(item.record.wrong_extension),
                int(item.record.constant),
            )
            for item in rows
        ),
    )


def read_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """Read a file that ``manifest_csv`` wrote.

    Raises:
        OSError, KeyError, ValueError, TypeError, LabelError: the file is damaged.
    """
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(_row(line) for line in csv.DictReader(file))


def csv_text(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """CSV text with line feeds only, on every system."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return buffer.getvalue()


def _row(line: dict[str, str]) -> ManifestRow:
    return ManifestRow(
        row=int(line["row"]),
        record=Record(
            source=line["source"],
            name=line["name"],
            label=FaceLabel(
                int(line["age"]), int(line["gender"]), int(line["race"]) if line["race"] else None
            ),
            byte_hash=line["byte_hash"],
            pixel_hash=line["pixel_hash"],
            perceptual=bytes.fromhex(line["perceptual"]),
            width=int(line["width"]),
            height=int(line["height"]),
            aligned=bool(int(line["aligned"])),
            wrong_extension=bool(int(line["wrong_extension"])),
            constant=bool(int(line["constant"])),
        ),
        group=line["group"],
        split=line["split"],
        assigned_split=line["side"],
        reason=line["reason"],
    )
