"""The documented row of ``predict`` for photographs: one per face (``docs/formats.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from utkage.prediction.rows import (
    PREDICTION_FIELDS,
    Row,
    RowOptions,
    prediction_columns,
    rounded_box,
)
from utkage.reporting.table import Cell

if TYPE_CHECKING:
    from utkage.prediction.photos import Photo


@dataclass(frozen=True, kw_only=True)
class FaceRow(Row):
    """One face of a photograph, or one file without a face. Further fields: ``Row``.

    Attributes:
        face: Number of the face in its file, from 1, the largest first.
        score: Confidence of the detector, 0..1; None with ``crop="none"``.
        landmarks: Left eye, right eye, nose, left and right mouth corner as seen in the picture,
            (x, y) in pixels; None with ``crop="none"``.
        faces: Number of faces in the file; 0 without any, None if it failed.
    """

    ORDER: ClassVar[tuple[str, ...]] = (
        *("file", "status", "reason", "face", "box", "score"),
        *PREDICTION_FIELDS,
        *("flags", "landmarks", "faces"),
    )
    PLACE_HEADINGS: ClassVar[tuple[str, ...]] = ("face",)

    face: int | None = None
    score: float | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    faces: int | None = None

    @property
    def is_last_of_file(self) -> bool:
        """Whether no further row of the same file follows."""
        return self.face is None or self.face == self.faces

    @property
    def place_cells(self) -> tuple[Cell, ...]:
        """The number of the face."""
        return (Cell(str(self.face), self.face),)


def photo_rows(photo: Photo, options: RowOptions) -> list[FaceRow]:
    """The rows of one photograph: one per face, or one with the reason why there is none."""
    if not photo.faces:
        count = None if photo.reason else 0
        return [FaceRow(photo.name, photo.status, photo.reason, faces=count)]
    predicted = prediction_columns(photo.predictions, options)
    return [
        FaceRow(
            photo.name,
            photo.status,
            face=number,
            box=rounded_box(face.box),
            score=None if face.score is None else round(face.score, 4),
            **columns,
            flags=face.flags,
            landmarks=tuple((round(x, 1), round(y, 1)) for x, y in face.landmarks) or None,
            faces=len(photo.faces),
        )
        for number, (face, columns) in enumerate(zip(photo.faces, predicted, strict=True), 1)
    ]
