"""The rows of ``predict``, one per face of a photograph or video (``docs/formats.md``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from utkage.core.errors import ConfigError
from utkage.core.text import probability_text
from utkage.data.labels import GENDERS, MAX_AGE, RANGE_NAMES
from utkage.reporting.table import Cell

if TYPE_CHECKING:
    from utkage.prediction.face_tracks import FaceTrack
    from utkage.prediction.photos import Photo
    from utkage.prediction.predictions import Predictions

UNCERTAIN = "uncertain"
STATUSES = ("ok", "no_face", "failed")
PREDICTION_FIELDS = (
    *("age", "age_low", "age_high", "range", "range_probability", "gender", "p_female"),
    *("interval_level", "threshold", "p_at_least"),
)
_POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
# Fields that CSV spreads over several columns.
_SPREAD = {
    "box": ("x0", "y0", "x1", "y1"),
    "landmarks": tuple(f"{point}_{axis}" for point in _POINTS for axis in "xy"),
}


@dataclass(frozen=True, kw_only=True)
class RowOptions:
    """How predictions become rows.

    Attributes:
        interval: Level of the age interval, 0..1.
        threshold: Age T whose P(age >= T) is added to rows, in years; None adds nothing.
        uncertain_below: Probability below which the gender is ``"uncertain"``, 0.5..1.
    """

    interval: float = 0.8
    threshold: int | None = None
    uncertain_below: float = 0.75

    def __post_init__(self) -> None:
        if not 0 < self.interval < 1:
            raise ConfigError(
                f"`interval` {self.interval}: use a level between 0 and 1, such as 0.8"
            )
        if self.threshold is not None and not 1 <= self.threshold <= MAX_AGE:
            raise ConfigError(f"`threshold` {self.threshold}: use an age from 1 to {MAX_AGE}")
        if not 0.5 <= self.uncertain_below <= 1:
            raise ConfigError(
                f"`uncertain_below` {self.uncertain_below}: use a probability from 0.5 to 1"
            )


@dataclass(frozen=True)
class Row:
    """Base of the documented rows: frozen dataclasses of plain values.

    Attributes:
        file: Path or address as given.
        status: ``"ok"``, ``"no_face"`` or ``"failed"``; predictions are None unless ok.
        reason: Why the file failed, or None.
        box: x0, y0, x1, y1 in pixels of the picture (upright by EXIF), or of the frame.
        age: Age in years.
        age_low: Lower end of the age interval, years.
        age_high: Upper end of the age interval, years.
        range: Name of the most probable age range.
        range_probability: Probability of that range, 0..1.
        gender: ``"female"``, ``"male"``, or ``"uncertain"`` where neither is probable enough.
        p_female: Probability of female, 0..1.
        interval_level: Level of the age interval, 0..1.
        threshold: Age T of ``p_at_least``, or None.
        p_at_least: P(age >= T), or None.
        flags: Reasons why the prediction is weak: ``"small"``, ``"blurred"``, ``"turned"``,
            ``"cut_off"``, ``"covered"``, ``"unusual"``, ``"rotated"``, ``"truncated"``; empty if
            there is none. ``covered`` and ``unusual`` make the age interval wider.
    """

    ORDER: ClassVar[tuple[str, ...]]
    PLACE_HEADINGS: ClassVar[tuple[str, ...]]

    file: str
    status: str
    reason: str | None = None
    _: KW_ONLY
    box: tuple[float, float, float, float] | None = None
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

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Keys of JSON objects, in the documented order."""
        return cls.ORDER

    @classmethod
    def columns_by_field(cls) -> dict[str, tuple[str, ...]]:
        """Columns of CSV for each field; each number of ``box`` and ``landmarks`` has its own."""
        return {name: _SPREAD.get(name, (name,)) for name in cls.ORDER}

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """Columns of CSV, in the documented order."""
        return tuple(chain.from_iterable(cls.columns_by_field().values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, in the documented order."""
        return {name: _as_list(getattr(self, name)) for name in self.ORDER}

    def to_cells(self) -> list[Any]:
        """Values of ``column_names``; flags are joined by spaces."""
        cells: list[Any] = []
        for name in self.ORDER:
            value = getattr(self, name)
            if name in _SPREAD:
                numbers = [number for part in value or () for number in _as_tuple(part)]
                cells.extend(numbers or [None] * len(_SPREAD[name]))
            else:
                cells.append(" ".join(value or ()) if name == "flags" else value)
        return cells

    @property
    def is_last_of_file(self) -> bool:
        """Whether the rows of the file are complete with this one."""
        return True

    @property
    def place_cells(self) -> tuple[Cell, ...]:
        """Where the face was found: the cells below ``PLACE_HEADINGS``."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class FaceRow(Row):
    """One face of a photograph, or one file without a face. Further fields: ``Row``.

    Attributes:
        face: Number of the face in its file, from 1, the largest first.
        score: Confidence of the detector, 0..1; None with ``crop="none"``.
        landmarks: Left eye, right eye, nose, left and right mouth corner as seen in the upright
            picture, (x, y) in pixels of the picture; None with ``crop="none"``.
        faces: Number of faces in the file; 0 without any, None if it failed.
        rotated: Degrees clockwise by which the picture has to be rotated to be upright: 0, 90, 180
            or 270. None without a face.
        frame: Number, from 1, of the picture with this face in a file that has several, such as an
            animation; None otherwise.
    """

    ORDER: ClassVar[tuple[str, ...]] = (
        *("file", "status", "reason", "face", "box", "score"),
        *PREDICTION_FIELDS,
        *("flags", "landmarks", "faces", "rotated", "frame"),
    )
    PLACE_HEADINGS: ClassVar[tuple[str, ...]] = ("face",)

    face: int | None = None
    score: float | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    faces: int | None = None
    rotated: int | None = None
    frame: int | None = None

    @property
    def is_last_of_file(self) -> bool:
        """Whether no further row of the same file follows."""
        return self.face is None or self.face == self.faces

    @property
    def place_cells(self) -> tuple[Cell, ...]:
        """The number of the face, and that of its picture if it is not the first of the file."""
        frame = f" (picture {self.frame})" if (self.frame or 1) > 1 else ""
        return (Cell(f"{self.face}{frame}", self.face),)


@dataclass(frozen=True, kw_only=True)
class TrackRow(Row):
    """One tracked face of a video, or one video without a face. Further fields: ``Row``.

    Predictions come from the mean over all detections of the face; ``box`` and ``flags`` are
    those of its clearest detection.

    Attributes:
        track: Number of the face in its video, from 1, in the order of appearance.
        start: Time of its first frame, seconds since the start of the video.
        end: Time of the last frame that shows it, seconds.
        first_frame: Index of the first frame that shows it, from 0.
        last_frame: Index of the last frame that shows it.
        frames: Number of frames that show it; without a face, the frames of the video.
        looks: Number of detections averaged in the prediction.
    """

    ORDER: ClassVar[tuple[str, ...]] = (
        *("file", "status", "reason", "track", "start", "end"),
        *("first_frame", "last_frame", "frames", "looks"),
        *PREDICTION_FIELDS,
        *("flags", "box"),
    )
    PLACE_HEADINGS: ClassVar[tuple[str, ...]] = ("face", "seconds", "detections")

    track: int | None = None
    start: float | None = None
    end: float | None = None
    first_frame: int | None = None
    last_frame: int | None = None
    frames: int | None = None
    looks: int | None = None

    @property
    def place_cells(self) -> tuple[Cell, ...]:
        """Number of the face, its time in the video, and number of detections."""
        seconds = f"{self.start or 0:.1f} - {self.end or 0:.1f}"
        return (
            Cell(str(self.track), self.track),
            Cell(seconds, self.start),
            Cell(str(self.looks), self.looks),
        )


AnyRow = TypeVar("AnyRow", bound=Row)


def photo_rows(photo: Photo, options: RowOptions) -> list[FaceRow]:
    """The rows of one photograph: one per face, or one with the reason why there is none."""
    if not photo.faces:
        count = None if photo.reason else 0
        return [FaceRow(photo.name, photo.status, photo.reason, faces=count)]
    flags = [face.flags for face in photo.faces]
    predicted = prediction_columns(photo.predictions, options, flags)
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
            rotated=face.rotated,
            frame=photo.frame,
        )
        for number, (face, columns) in enumerate(zip(photo.faces, predicted, strict=True), 1)
    ]


def track_row(name: str, track: FaceTrack, options: RowOptions) -> TrackRow:
    """The row of one tracked face of the video ``name``."""
    (columns,) = prediction_columns(track.prediction, options, [track.best.flags])
    return TrackRow(
        name,
        "ok",
        track=track.number,
        start=round(track.start, 3),
        end=round(track.end, 3),
        first_frame=track.first_frame,
        last_frame=track.last_frame,
        frames=track.frames,
        looks=track.detections,
        **columns,
        flags=track.best.flags,
        box=rounded_box(track.best.box),
    )


def prediction_columns(
    predictions: Predictions, options: RowOptions, flags: Sequence[Sequence[str]] = ()
) -> list[dict[str, Any]]:
    """The fields ``PREDICTION_FIELDS`` of each face, rounded as documented.

    ``flags`` are those of each face; some of them make its interval wider. Empty: no face has any.
    """
    from utkage.prediction.wider_intervals import shipped_wider_intervals

    flags = flags or [()] * len(predictions)
    wider = shipped_wider_intervals()
    levels = np.array([wider.level(options.interval, own) for own in flags])
    low, high = predictions.age_interval(levels)
    at_least: list[float] | None = None
    if options.threshold is not None:
        likely = predictions.probability_at_least(options.threshold)
        at_least = [wider.probability(p, own) for p, own in zip(likely, flags, strict=True)]
    return [
        {
            "age": round(float(predictions.age[index]), 2),
            "age_low": round(float(low[index]), 2),
            "age_high": round(float(high[index]), 2),
            "range": RANGE_NAMES[predictions.range_index[index]],
            "range_probability": round(float(predictions.range_probabilities[index].max()), 4),
            "gender": gender_name(float(predictions.p_female[index]), options.uncertain_below),
            "p_female": round(float(predictions.p_female[index]), 4),
            "interval_level": options.interval,
            "threshold": options.threshold,
            "p_at_least": None if at_least is None else round(float(at_least[index]), 4),
        }
        for index in range(len(predictions))
    ]


def gender_name(p_female: float, uncertain_below: float) -> str:
    """``"female"``, ``"male"``, or ``"uncertain"`` where neither is probable enough."""
    if max(p_female, 1 - p_female) < uncertain_below:
        return UNCERTAIN
    return GENDERS[int(p_female >= 0.5)]


def gender_label(gender: str, p_female: float) -> str:
    """A gender with its probability, such as ``"female 97%"``, or ``"uncertain"``."""
    if gender == UNCERTAIN:
        return gender
    return f"{gender} {probability_text(max(p_female, 1 - p_female))}"


def label_lines(row: Row) -> tuple[str, ...]:
    """Age and gender of a face in two short lines; empty without a prediction."""
    if row.age is None or row.gender is None or row.p_female is None:
        return ()
    ages = f"{row.age:.0f} ({row.age_low:.0f}-{row.age_high:.0f})"
    return ages, gender_label(row.gender, row.p_female)


def rounded_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box rounded to tenths of a pixel, as plain numbers."""
    x0, y0, x1, y1 = (round(float(value), 1) for value in box)
    return x0, y0, x1, y1


def _as_list(value: Any) -> Any:
    return [_as_list(part) for part in value] if isinstance(value, tuple) else value


def _as_tuple(part: Any) -> tuple[Any, ...]:
    return part if isinstance(part, tuple) else (part,)
