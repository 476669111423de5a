"""The documented row of ``predict`` for photographs: one a face (``docs/formats.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utkage.prediction.rows import Row, RowOptions, prediction_columns, rounded_box

if TYPE_CHECKING:
    from utkage.prediction.photos import Photo


@dataclass(frozen=True)
class FaceRow(Row):
    """One face, or one file without any: the documented row of ``--json`` and ``--csv``.

    Attributes:
        face: Number of the face in its file, from 1, largest first.
        box: x0, y0, x1, y1 in pixels of the upright picture.
        score: Confidence of the detector, 0..1; None with ``crop="none"``.
        age: Years.
        age_low: Lower end of the age interval.
        age_high: Upper end.
        range: Name of the most probable age range.
        range_probability: Its probability.
        gender: ``"female"``, ``"male"``, or ``"uncertain"`` between the limits.
        p_female: Probability of female.
        interval_level: Of the age interval, 0..1.
        threshold: The age that ``p_at_least`` is about, or None.
        p_at_least: P(age >= threshold), or None.
        flags: What makes the answer weak: ``"small"``, ``"blurred"``, ``"turned"``,
            ``"cut_off"``; empty if nothing does.
        landmarks: Left eye, right eye, nose, left and right mouth corner as seen in the picture,
            (x, y) in pixels; None with ``crop="none"``.
        faces: Number of faces in the file; 0 without any, None if it failed.
    """

    face: int | None = None
    box: tuple[float, float, float, float] | None = None
    score: float | None = None
    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    range: str | None = None
    range_probability: float | None = None
    gender: str | None = None
    p_female: float | None = None
    interval_level: float | None = None
    threshold: int | None = None
    p_at_least: float | None = None
    flags: tuple[str, ...] | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    faces: int | None = None

    @property
    def is_last_of_file(self) -> bool:
        """Whether no further row of the same file follows."""
        return self.face is None or self.face == self.faces


def photo_rows(photo: Photo, options: RowOptions) -> list[FaceRow]:
    """The rows of one photograph: one a face, or one that says why there is none."""
    if not photo.faces:
        count = None if photo.reason else 0
        return [FaceRow(photo.name, photo.status, photo.reason, faces=count)]
    answers = prediction_columns(photo.predictions, options)
    return [
        FaceRow(
            file=photo.name,
            status=photo.status,
            face=number,
            box=rounded_box(face.box),
            score=None if face.score is None else round(face.score, 4),
            **columns,
            flags=face.flags,
            landmarks=tuple((round(x, 1), round(y, 1)) for x, y in face.landmarks) or None,
            faces=len(photo.faces),
        )
        for number, (face, columns) in enumerate(zip(photo.faces, answers, strict=True), 1)
    ]
