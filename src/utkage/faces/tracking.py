"""Which face of a frame is which of those before: identities that outlive short gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from utkage.faces.detector import Box, Face

# Distance of two boxes (``box_distance``) up to which they may be one face a moment later...
_NEAR = 0.7
# ...and after a gap, in which a head goes further.
_NEAR_AFTER_GAP = 1.5

Follow = Callable[[Sequence[Face]], Sequence[Face | None]]


@dataclass
class Track:
    """One face through time.

    Attributes:
        number: From 1, in the order of appearance.
        face: Where it was last.
        first_frame: Index of the frame in which it appeared.
        first_seconds: Time of that frame.
        last_frame: Index of the frame in which it was last seen.
        last_seconds: Time of that frame.
        frames: Frames in which it was seen.
        detections: How often a detector has found it.
        visible: Whether it is seen in the newest frame.
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

    def seen(self, face: Face, frame: int, seconds: float) -> None:
        """Note where it is in a frame."""
        self.face, self.last_frame, self.last_seconds = face, frame, seconds
        self.frames += 1
        self.visible = True


class Tracker:
    """Keeps tracks over the frames of one video.

    Call ``move`` for a frame without detections, ``match`` for one with.

    Args:
        gap: Seconds for which a track that is not seen waits for its face to come back.
    """

    def __init__(self, gap: float = 1.0) -> None:
        self._gap = gap
        self._next = 1
        self.rounds = 0
        self.tracks: list[Track] = []

    def move(self, follow: Follow, frame: int, seconds: float) -> None:
        """Take all visible tracks along to a frame in which no detector looked.

        Args:
            follow: From faces of the frame before to their places in this one, None if lost.
            frame: Index of the frame.
            seconds: Its time.
        """
        tracks = self.visible
        for track, face in zip(tracks, follow([track.face for track in tracks]), strict=True):
            if face is None:
                track.visible = False
            else:
                track.seen(face, frame, seconds)

    def match(self, faces: Sequence[Face], frame: int, seconds: float) -> list[Track]:
        """Give each face that a detector found in a frame to a track, an old or a new one.

        The assignment with the least sum of distances is taken (Kuhn 1955), among pairs that are
        near enough. A visible track without a face is no longer visible.

        Args:
            faces: What was found.
            frame: Index of the frame.
            seconds: Its time.

        Returns:
            The track of each face, in their order.
        """
        self.rounds += 1
        pairs = dict(self._pairs(faces))
        for index, track in enumerate(self.tracks):
            if index not in pairs.values():
                track.visible = False
        found = []
        for index, face in enumerate(faces):
            if index in pairs:
                track = self.tracks[pairs[index]]
                track.seen(face, frame, seconds)
                track.detections += 1
            else:
                track = Track(self._next, face, frame, seconds, frame, seconds)
                self._next += 1
                self.tracks.append(track)
            found.append(track)
        return found

    def ended(self, seconds: float) -> list[Track]:
        """Remove and return the tracks whose face has not come back in time."""
        over = [
            track
            for track in self.tracks
            if not track.visible and seconds - track.last_seconds > self._gap
        ]
        numbers = {track.number for track in over}
        self.tracks = [track for track in self.tracks if track.number not in numbers]
        return over

    @property
    def visible(self) -> list[Track]:
        """The tracks that are seen in the newest frame."""
        return [track for track in self.tracks if track.visible]

    def is_confirmed(self, track: Track) -> bool:
        """Whether a detector has found the face twice: single findings are false alarms often.

        Where a detector has looked but once, once is enough.
        """
        return track.detections >= min(2, self.rounds)

    def _pairs(self, faces: Sequence[Face]) -> list[tuple[int, int]]:
        """Index of a face and of its track."""
        if not faces or not self.tracks:
            return []
        from scipy.optimize import linear_sum_assignment

        too_far = 1e6
        costs = np.full((len(faces), len(self.tracks)), too_far)
        for row, face in enumerate(faces):
            for column, track in enumerate(self.tracks):
                distance = box_distance(face.box, track.face.box)
                if distance <= (_NEAR if track.visible else _NEAR_AFTER_GAP):
                    # One that is seen goes before one that is waited for.
                    costs[row, column] = distance + (0 if track.visible else _NEAR)
        rows, columns = linear_sum_assignment(costs)
        return [
            (int(row), int(column))
            for row, column in zip(rows, columns, strict=True)
            if costs[row, column] < too_far
        ]


def box_distance(first: Box, second: Box) -> float:
    """Distance of the centres over the mean size, plus the absolute logarithm of the sizes' ratio.

    Unlike an intersection over union it tells near from far where boxes do not touch.
    """
    sizes = [max(math.sqrt(max(0.0, (b[2] - b[0]) * (b[3] - b[1]))), 1e-6) for b in (first, second)]
    centres = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in (first, second)]
    return math.dist(*centres) / (sum(sizes) / 2) + abs(math.log(sizes[0] / sizes[1]))
