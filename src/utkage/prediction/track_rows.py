"""The documented row of ``predict`` for videos: one per tracked face (``docs/formats.md``)."""

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
    from utkage.prediction.face_tracks import FaceTrack


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


def track_row(name: str, track: FaceTrack, options: RowOptions) -> TrackRow:
    """The row of one tracked face of the video ``name``."""
    (columns,) = prediction_columns(track.prediction, options)
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
