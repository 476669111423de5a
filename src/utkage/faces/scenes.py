"""Changes of scene in a video: cuts, blank frames between two scenes, and dissolves.

Pictures are compared by the correlation of small grey copies, which does not depend on brightness
or contrast. A frame is only *suspected* to begin another scene: whether a face is still the same
is decided by what the frames show in its place (``faces.continuity``).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from utkage.faces.detector import Box
from utkage.faces.flow import Grey

MEMORY_SECONDS = 2.5
"""Seconds of frames that are searched for a dissolve."""

# Lengths of dissolves that are tried, in seconds.
_WINDOWS = (0.5, 0.8, 1.2, 1.7, 2.4)
_SIZE = 32
# Standard deviation of the small copy below which a frame is blank.
_BLANK = 6.0
# A cut changes the picture by more than the frames before, to below this correlation.
_CUT_BELOW = 0.97
_SURE_BELOW = 0.6
_JUMP = 3.0
_LEAST_CHANGE = 2.0
# Correlation of both ends of a dissolve, and the share of the change that mixtures of both leave
# unexplained in the frames between them.
_BLEND_BELOW = 0.95
_UNEXPLAINED = 0.15
_PURE = 0.15
_FEWEST_MIXED = 2
# Seconds before a dissolve that show its start alone; its end must be there for twice as long.
_PLATEAU = 0.1
# Size of the copy of a face; its middle is searched for in the next one. Of 1770 pairs of portraits
# of different people, 99 % correlate by less than 0.75.
_PATCH = 24
_MARGIN = 2

Picture = NDArray[np.float32]
Patch = NDArray[np.float32]


class Break(Enum):
    """How one scene may have followed another."""

    CUT = "cut"
    BLANK = "blank"
    DISSOLVE = "dissolve"


@dataclass(frozen=True)
class SceneChange:
    """A frame that may show another scene than a frame before.

    Attributes:
        kind: How the scenes may be separated.
        since: Time of the last frame that shows the former scene alone, seconds.
        similarity: Correlation of that frame with the present one, -1..1.
    """

    kind: Break
    since: float
    similarity: float


class SceneChanges:
    """Finds suspected changes of scene in the frames of one video.

    Args:
        gap: Seconds without a frame that count as a blank interval, unless frames are always rare.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        # Time and small copy of the latest frames that are not blank.
        self._recent: deque[tuple[float, Picture]] = deque()
        self._changes: deque[float] = deque(maxlen=8)
        self._intervals: deque[float] = deque(maxlen=8)
        self._last_seconds: float | None = None
        self._blank = False

    def update(self, grey: Grey, seconds: float) -> SceneChange | None:
        """The change that this frame, uint8 grey, may bring; None for most frames."""
        small = _small(grey, _SIZE)
        interval = 0.0 if self._last_seconds is None else seconds - self._last_seconds
        self._last_seconds = seconds
        if float(small.std()) < _BLANK:
            self._blank = True
            return None
        usual = float(np.median(self._intervals)) if self._intervals else interval
        after_break = self._blank or (interval > self._gap and interval > 3 * usual)
        self._intervals.append(interval)
        self._blank = False
        change = self._compare(small, after_break) if self._recent else None
        self._recent.append((seconds, small))
        while self._recent[0][0] < seconds - MEMORY_SECONDS:
            self._recent.popleft()
        if change is not None and change.similarity < _SURE_BELOW:
            # Frames on both sides of a cut are no dissolve.
            self._recent = deque([(seconds, small)])
        if change is not None:
            return change
        return self._dissolving(small, seconds)

    def _compare(self, small: Picture, after_break: bool) -> SceneChange | None:
        since, before = self._recent[-1]
        similarity = correlation(before, small)
        if after_break:
            return SceneChange(Break.BLANK, since, similarity)
        difference = float(np.abs(small - before).mean())
        usual = float(np.median(self._changes)) if self._changes else 0.0
        self._changes.append(difference)
        jumps = difference > _JUMP * max(usual, _LEAST_CHANGE)
        if similarity < _SURE_BELOW or (jumps and similarity < _CUT_BELOW):
            return SceneChange(Break.CUT, since, similarity)
        return None

    def _dissolving(self, small: Picture, seconds: float) -> SceneChange | None:
        """The dissolve that is complete since a moment ago."""
        for length in _WINDOWS:
            window = [frame for frame in self._recent if frame[0] >= seconds - length]
            similarity = correlation(window[0][1], small)
            if len(window) < 2 + _FEWEST_MIXED or similarity >= _BLEND_BELOW:
                continue
            shares = _shares([picture for _, picture in window], small)
            times = np.array([time for time, _ in window])
            if (
                shares is not None
                and (shares[times <= times[0] + _PLATEAU] < _PURE).all()
                and (shares[times >= seconds - 2 * _PLATEAU] > 1 - _PURE).all()
            ):
                since = window[max(0, int((shares > _PURE).argmax()) - 1)][0]
                return SceneChange(Break.DISSOLVE, since, similarity)
        return None


def _shares(pictures: list[Picture], end: Picture) -> NDArray[np.float64] | None:
    """The share of ``end`` in each picture; None if they do not go over from the first to it."""
    start = pictures[0].ravel().astype(np.float64)
    whole = end.ravel() - start
    parts = np.stack([picture.ravel() for picture in pictures]) - start
    energy = float(whole @ whole)
    shares: NDArray[np.float64] = parts @ whole / energy
    unexplained = ((parts - shares[:, None] * whole) ** 2).sum(axis=1) / energy
    mixed = (shares > _PURE) & (shares < 1 - _PURE)
    is_steady = bool((np.diff(shares) > -_PURE).all())
    if unexplained.max() > _UNEXPLAINED or not is_steady or mixed.sum() < _FEWEST_MIXED:
        return None
    return shares


def face_patch(grey: Grey, scale: float, box: Box) -> Patch:
    """A small copy of a face, (24, 24); zeros if the box lies beyond the picture.

    ``grey`` and ``scale`` are those of ``faces.flow.motion_picture``; the box is in pixels of the
    frame itself.
    """
    x0, y0, x1, y1 = (round(value * scale) for value in box)
    part = grey[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
    return _small(part, _PATCH) if part.size else np.zeros((_PATCH, _PATCH), np.float32)


def similarity_of_faces(before: Patch, now: Patch) -> float:
    """The largest correlation of two patches over shifts by up to 8 % of their size, -1..1."""
    import cv2

    inner = before[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    if inner.std() < 1 or now.std() < 1:
        return 0.0
    return float(cv2.matchTemplate(now, inner, cv2.TM_CCOEFF_NORMED).max())


def correlation(first: Picture, second: Picture) -> float:
    """Pearson's correlation of two pictures, 0 where one is flat."""
    one, other = first - first.mean(), second - second.mean()
    return float((one * other).sum() / max(np.sqrt((one**2).sum() * (other**2).sum()), 1e-6))


def _small(grey: Grey, size: int) -> Picture:
    import cv2

    small = cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)
