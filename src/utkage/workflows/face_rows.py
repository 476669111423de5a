"""The documented row of ``predict``: one a face, with plain values (``docs/formats.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError
from utkage.data.labels import GENDERS, MAX_AGE, RANGE_NAMES

if TYPE_CHECKING:
    from utkage.engines.inference.photos import Photo

UNCERTAIN = "uncertain"
_POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
# Columns of tables that stand for one field.
_SPREAD = {
    "box": ("x0", "y0", "x1", "y1"),
    "landmarks": tuple(f"{point}_{axis}" for point in _POINTS for axis in "xy"),
}


@dataclass(frozen=True)
class RowOptions:
    """What rows say beyond the answers themselves.

    Attributes:
        interval: Level of the age interval, 0..1.
        threshold: An age T; rows then say P(age >= T). None: they do not.
        uncertain_below: Gender is said only if its probability is at least this, 0.5..1.
    """

    interval: float = 0.8
    threshold: int | None = None
    uncertain_below: float = 0.75

    def __post_init__(self) -> None:
        if not 0 < self.interval < 1:
            raise ConfigError(f"interval level {self.interval} must lie between 0 and 1")
        if self.threshold is not None and not 1 <= self.threshold <= MAX_AGE:
            raise ConfigError(f"--threshold {self.threshold}: an age of 1 to {MAX_AGE}")
        if not 0.5 <= self.uncertain_below <= 1:
            raise ConfigError(
                f"--uncertain-below {self.uncertain_below}: a probability of 0.5 to 1"
            )


@dataclass(frozen=True)
class FaceRow:
    """One face, or one file without any: the documented row of ``--json`` and ``--csv``.

    Attributes:
        file: The path as given.
        status: ``"ok"``, ``"no_face"`` or ``"failed"``; the fields below are None unless ok.
        reason: Why the file failed.
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

    file: str
    status: str
    reason: str | None = None
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, in the documented order."""
        return {name: _listed(value) for name, value in vars(self).items()}

    def to_cells(self) -> list[Any]:
        """The cells of ``CSV_FIELDS``: box and landmarks spread, flags joined by spaces."""
        cells: list[Any] = []
        for name, value in vars(self).items():
            if name in _SPREAD:
                flat = [number for part in value or () for number in _flat(part)]
                cells.extend(flat or [None] * len(_SPREAD[name]))
            else:
                cells.append(" ".join(value or ()) if name == "flags" else value)
        return cells

    @property
    def is_last_of_file(self) -> bool:
        """Whether no further row of the same file follows."""
        return self.face is None or self.face == self.faces

    @property
    def certainty(self) -> float | None:
        """Probability of the more probable gender, 0.5..1."""
        return None if self.p_female is None else max(self.p_female, 1 - self.p_female)


ROW_FIELDS = tuple(FaceRow.__dataclass_fields__)
CSV_FIELDS = tuple(column for name in ROW_FIELDS for column in _SPREAD.get(name, (name,)))


def photo_rows(photo: Photo, options: RowOptions) -> list[FaceRow]:
    """The rows of one photograph: one a face, or one that says why there is none."""
    if not photo.faces:
        count = None if photo.reason else 0
        return [FaceRow(photo.name, photo.status, photo.reason, faces=count)]
    answers = photo.predictions
    low, high = answers.age_interval(options.interval)
    at_least = None
    if options.threshold is not None:
        at_least = answers.probability_at_least(options.threshold)
    return [
        FaceRow(
            file=photo.name,
            status=photo.status,
            face=index + 1,
            box=_rounded_box(face.box),
            score=None if face.score is None else round(face.score, 4),
            age=round(float(answers.age[index]), 2),
            age_low=round(float(low[index]), 2),
            age_high=round(float(high[index]), 2),
            range=RANGE_NAMES[answers.range_index[index]],
            range_probability=round(float(answers.range_probabilities[index].max()), 4),
            gender=gender_word(float(answers.p_female[index]), options.uncertain_below),
            p_female=round(float(answers.p_female[index]), 4),
            interval_level=options.interval,
            threshold=options.threshold,
            p_at_least=None if at_least is None else round(float(at_least[index]), 4),
            flags=face.flags,
            landmarks=tuple((round(x, 1), round(y, 1)) for x, y in face.landmarks) or None,
            faces=len(photo.faces),
        )
        for index, face in enumerate(photo.faces)
    ]


def gender_word(p_female: float, uncertain_below: float) -> str:
    """``"female"``, ``"male"``, or ``"uncertain"`` where neither is probable enough."""
    if max(p_female, 1 - p_female) < uncertain_below:
        return UNCERTAIN
    return GENDERS[int(p_female >= 0.5)]


def _rounded_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (round(float(value), 1) for value in box)
    return x0, y0, x1, y1


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _flat(part: Any) -> tuple[Any, ...]:
    return part if isinstance(part, tuple) else (part,)
