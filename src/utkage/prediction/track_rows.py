"""The documented row of ``predict`` for videos: one a face that was followed (docs/formats.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utkage.prediction.rows import Row, RowOptions, prediction_columns, rounded_box

if TYPE_CHECKING:
    from utkage.prediction.face_tracks import FaceTrack


@dataclass(frozen=True)
class TrackRow(Row):
    """One face through a video, or one video without any.

    Attributes:
        track: Number of the face in its video, from 1, in the order of appearance.
        start: When it appeared, seconds since the first frame.
        end: When it was last seen.
        first_frame: Index of the frame in which it appeared, from 0.
        last_frame: Index of the frame in which it was last seen.
        frames: Frames in which it was seen.
        looks: Looks at it that the answer is the mean of.
        age: Median of the mean age distribution, years.
        age_low: Lower end of the age interval.
        age_high: Upper end.
        range: Name of the most probable age range.
        range_probability: Its probability.
        gender: ``"female"``, ``"male"``, or ``"uncertain"`` between the limits.
        p_female: Mean probability of female.
        interval_level: Of the age interval, 0..1.
        threshold: The age that ``p_at_least`` is about, or None.
        p_at_least: P(age >= threshold), or None.
        flags: What makes even the clearest look weak, as in ``FaceRow``.
        box: Of the clearest look: x0, y0, x1, y1 in pixels of the frame.
    """

    track: int | None = None
    start: float | None = None
    end: float | None = None
    first_frame: int | None = None
    last_frame: int | None = None
    frames: int | None = None
    looks: int | None = None
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
    box: tuple[float, float, float, float] | None = None


def track_row(name: str, track: FaceTrack, options: RowOptions) -> TrackRow:
    """The row of one face of the video ``name``."""
    (columns,) = prediction_columns(track.answer, options)
    return TrackRow(
        file=name,
        status="ok",
        track=track.number,
        start=round(track.start, 3),
        end=round(track.end, 3),
        first_frame=track.first_frame,
        last_frame=track.last_frame,
        frames=track.frames,
        looks=track.looks,
        **columns,
        flags=track.best.flags,
        box=rounded_box(track.best.box),
    )
