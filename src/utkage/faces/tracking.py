"""Identities of faces over the frames of a video, across short gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from utkage.faces.detector import Box, Face

# Largest ``box_distance`` of one face between two frames, and after a gap.
NEAR = 0.7
_NEAR_AFTER_GAP = 1.5

Follow = Callable[[Sequence[Face]], Sequence[Face | None]]


@dataclass(kw_only=True)
class Track:
    """One face through time.

    Attributes:
        number: Number from 1, in the order of appearance.
        face: Its latest place.
        first_frame: Index of the first frame that shows it; ``first_seconds`` is its time.
        last_frame: Index of the last frame that shows it; ``last_seconds`` is its time.
        frames: Number of frames that show it.
        visible: Whether the newest frame shows it.
        over: Whether no later face belongs to it, because the scene has changed.
    """

    number: int
    face: Face
    first_frame: int
    first_seconds: float
    last_frame: int
    last_seconds: float
    frames: int = 1
    detections: int = 1
    visible: bool = True
    over: bool = False

    def update(self, face: Face, frame: int, seconds: float) -> None:
        """Add a further frame that shows the face."""
        self.face, self.last_frame, self.last_seconds = face, frame, seconds
        self.frames += 1
        self.visible = True


class Tracker:
    """The tracks of one video: ``match`` takes a frame with detections, ``move`` one without.

    Args:
        gap: Seconds after which a track whose face is out of sight has ended.
    """

    def __init__(self, gap: float = 1.0) -> None:
        self._gap = gap
        self._next = 1
        self.detector_runs = 0
        self.tracks: list[Track] = []

    def move(self, follow: Follow, frame: int, seconds: float) -> None:
        """Move all visible tracks to a frame without detections.

        ``follow`` maps faces of the frame before to their places in this one, None if lost.
        """
        tracks = self.visible
        for track, face in zip(tracks, follow([track.face for track in tracks]), strict=True):
            if face is None:
                track.visible = False
            else:
                track.update(face, frame, seconds)

    def match(self, faces: Sequence[Face], frame: int, seconds: float) -> list[Track]:
        """Assign each detected face of a frame to a track, or to a new one.

        Among pairs that are near enough, the assignment with the least sum of distances is chosen
        (Kuhn 1955). A track without a face becomes invisible.

        Returns:
            The track of each face, in the order of ``faces``.
        """
        self.detector_runs += 1
        pairs = self._pairs(faces)
        for index, track in enumerate(self.tracks):
            if index not in pairs.values():
                track.visible = False
        found = []
        for index, face in enumerate(faces):
            if index in pairs:
                track = self.tracks[pairs[index]]
                track.update(face, frame, seconds)
                track.detections += 1
            else:
                track = Track(
                    number=self._next,
                    face=face,
                    first_frame=frame,
                    first_seconds=seconds,
                    last_frame=frame,
                    last_seconds=seconds,
                )
                self._next += 1
                self.tracks.append(track)
            found.append(track)
        return found

    def end(self, track: Track) -> None:
        """End a track: whatever face comes next in its place is another one."""
        track.visible, track.over = False, True

    def ended(self, seconds: float) -> list[Track]:
        """Remove and return the tracks that are over or out of sight for longer than ``gap``."""
        over = [
            track
            for track in self.tracks
            if track.over or (not track.visible and seconds - track.last_seconds > self._gap)
        ]
        numbers = {track.number for track in over}
        self.tracks = [track for track in self.tracks if track.number not in numbers]
        return over

    @property
    def visible(self) -> list[Track]:
        """The tracks that the newest frame shows."""
        return [track for track in self.tracks if track.visible]

    def is_confirmed(self, track: Track) -> bool:
        """Whether the face was detected twice, or once in a video with a single detector run.

        Single detections are often false alarms.
        """
        return track.detections >= min(2, self.detector_runs)

    def _pairs(self, faces: Sequence[Face]) -> dict[int, int]:
        """The index of each face's track, by the index of the face."""
        if not faces or not self.tracks:
            return {}
        from scipy.optimize import linear_sum_assignment

        too_far = 1e6
        costs = np.full((len(faces), len(self.tracks)), too_far)
        for row, face in enumerate(faces):
            for column, track in enumerate(self.tracks):
                distance = box_distance(face.box, track.face.box)
                limit = NEAR if track.visible else _NEAR_AFTER_GAP
                if distance <= limit and not track.over:
                    # Visible tracks take precedence over invisible ones.
                    costs[row, column] = distance + (0 if track.visible else NEAR)
        rows, columns = linear_sum_assignment(costs)
        near = costs[rows, columns] < too_far
        return dict(zip(rows[near].tolist(), columns[near].tolist(), strict=True))


def box_distance(first: Box, second: Box) -> float:
    """Distance of the centres over the mean size, plus the absolute log ratio of the sizes.

    Unlike intersection over union, it ranks boxes that do not overlap.
    """
    sizes = [max(math.sqrt(max(0.0, (b[2] - b[0]) * (b[3] - b[1]))), 1e-6) for b in (first, second)]
    centres = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in (first, second)]
    return math.dist(*centres) / (sum(sizes) / 2) + abs(math.log(sizes[0] / sizes[1]))
