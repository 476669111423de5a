"""From the frames of a video to tracked faces, each with a prediction averaged over time.

Every Nth frame, and the first one after a cut, goes through detector, aligner and network; in
between, optical flow tracks the faces. Frames of a file are processed ahead on all cores. Frames
of a live stream are processed one by one, so that nothing is shown late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError
from utkage.core.pools import thread_pool
from utkage.faces.continuity import FaceMemory
from utkage.faces.detector import Box, Face
from utkage.faces.flow import Grey, follow, motion_picture
from utkage.faces.scenes import MEMORY_SECONDS, Break, SceneChange, SceneChanges
from utkage.faces.tracking import Track, Tracker
from utkage.images.video import Frame
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.cropping import Cropper, FoundFace
from utkage.prediction.predictions import Predictions
from utkage.prediction.running_mean import RunningMean

# Largest total size of the frames that are processed ahead: about twenty of the largest cameras.
_MOST_BYTES = 500_000_000
# Another person has taken the place of a face if so many detections, all of them clear, differ from
# the mean of as many or more before them. The clear detections of one person hardly ever do.
_DETECTIONS_THAT_DIFFER = 3
# Total variation distance of two distributions over ages, and difference of P(female).
_OTHER_AGE = 0.85
_OTHER_GENDER = 0.8


@dataclass(frozen=True)
class TrackingSettings:
    """How faces are tracked.

    Attributes:
        every: Interval between detections, in frames; 1 runs the detector on every frame.
        gap: Seconds after which a face that was out of sight counts as another face.
    """

    every: int = 5
    gap: float = 1.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"`every` {self.every}: use 1 (every frame) or more")
        if not self.gap >= 0:
            raise ConfigError(f"`gap` {self.gap}: use 0 or more seconds")


@dataclass(frozen=True)
class TrackedFace:
    """One face in one frame.

    Attributes:
        track: Number of its track, from 1.
        box: x0, y0, x1, y1 in pixels of the frame; may reach beyond it.
        prediction: Mean prediction of the track so far, of length 1.
        shown_age: Steady age for display, years.
        flags: Flags of its clearest detection so far.
    """

    track: int
    box: Box
    prediction: Predictions
    shown_age: int
    flags: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class TrackedFrame:
    """One frame with the confirmed faces that are visible in it, in the order of their tracks."""

    frame: Frame
    faces: tuple[TrackedFace, ...]


@dataclass(frozen=True, kw_only=True)
class FaceTrack:
    """One face through a video.

    Attributes:
        number: Number from 1, in the order of appearance.
        first_frame: Index of the first frame that shows it.
        last_frame: Index of the last frame that shows it.
        start: Time of the first frame, seconds.
        end: Time of the last frame, seconds.
        frames: Number of frames that show it.
        detections: Number of detections averaged in the prediction.
        prediction: Mean prediction, of length 1.
        best: The clearest detection: the largest without flags, else the largest.
        chip: Chip of that detection, uint8 RGB (size, size, 3).
    """

    number: int
    first_frame: int
    last_frame: int
    start: float
    end: float
    frames: int
    detections: int
    prediction: Predictions
    best: FoundFace
    chip: NDArray[np.uint8]


# The faces that the detector found in one frame, with their chips and predictions.
_Detections = list[tuple[FoundFace, NDArray[np.uint8], Predictions]]


@dataclass(frozen=True)
class _ReadFrame:
    """A frame on its way through the pool.

    Attributes:
        frame: The frame.
        grey: Its ``motion_picture``; ``scale`` is the scale of that.
        change: The change of scene that it may bring, or None.
        detections: The faces in it, if the detector runs on it.
    """

    frame: Frame
    grey: Grey
    scale: float
    change: SceneChange | None
    detections: Future[_Detections] | None


def track_faces(
    frames: Iterable[Frame],
    predictor: ChipPredictor,
    cropper: Cropper,
    settings: TrackingSettings,
    *,
    workers: int,
    live: bool = False,
) -> Generator[TrackedFrame | FaceTrack, None, None]:
    """Track every face of a video and predict its age and gender, on ``workers`` threads.

    Yields every frame in its order, and every track as soon as it has ended. Frames are read as
    they are needed, for ``live`` never ahead of the frame that is yielded.
    """
    tracks = _TrackedFaces(settings)
    ahead = 0 if live else 2 * workers * settings.every
    with thread_pool(workers) as pool:
        for read in _detected(frames, pool, predictor, cropper, settings, ahead):
            yield tracks.update(read)
            yield from tracks.finish(tracks.tracker.ended(read.frame.seconds))
        yield from tracks.finish(tracks.tracker.tracks)


def _detected(
    frames: Iterable[Frame],
    pool: ThreadPoolExecutor,
    predictor: ChipPredictor,
    cropper: Cropper,
    settings: TrackingSettings,
    ahead: int,
) -> Generator[_ReadFrame, None, None]:
    """The frames, with the detections of every Nth one and after cuts, computed up to ``ahead``."""
    waiting = deque[_ReadFrame]()
    scenes = SceneChanges(settings.gap)
    for number, frame in enumerate(frames):
        grey, scale = motion_picture(frame.image)
        change = scenes.update(grey, frame.seconds)
        starts_scene = change is not None and change.kind is not Break.DISSOLVE
        runs_detector = number % settings.every == 0 or starts_scene
        future = pool.submit(_detect, frame.image, predictor, cropper) if runs_detector else None
        waiting.append(_ReadFrame(frame, grey, scale, change, future))
        if len(waiting) > min(ahead, _MOST_BYTES // frame.image.nbytes):
            yield waiting.popleft()
    yield from waiting


def _detect(rgb: NDArray[np.uint8], predictor: ChipPredictor, cropper: Cropper) -> _Detections:
    try:
        faces, chips = cropper.cut(rgb)
    except ImageError:
        # Degenerate landmarks: the next detection finds the face again.
        return []
    if not chips:
        return []
    predictions = predictor.predict_chips(np.stack(chips))
    predictions.require_possible()
    return list(zip(faces, chips, predictions, strict=True))


@dataclass
class _Appearance:
    """Mean prediction and clearest detection of a track."""

    mean: RunningMean
    best: FoundFace
    chip: NDArray[np.uint8]
    # The same before each of the latest detections, with the time of that detection.
    former: deque[tuple[float, RunningMean, FoundFace, NDArray[np.uint8]]] = field(
        default_factory=deque
    )
    # Time and prediction of the latest clear detections.
    latest: deque[tuple[float, Predictions]] = field(default_factory=deque)

    def add(
        self,
        seconds: float,
        face: FoundFace,
        chip: NDArray[np.uint8],
        prediction: Predictions,
    ) -> None:
        if self.mean.count:
            self.former.append((seconds, copy(self.mean), self.best, self.chip))
        while self.former and self.former[0][0] < seconds - MEMORY_SECONDS:
            self.former.popleft()
        if not face.flags:
            self.latest.append((seconds, prediction))
        while self.latest and self.latest[0][0] < seconds - MEMORY_SECONDS:
            self.latest.popleft()
        self.mean.add(prediction, weak=bool(face.flags))
        if _clarity(face) > _clarity(self.best):
            self.best, self.chip = face, chip

    def replaced_since(self) -> float | None:
        """Time of the last detection before another person took this place; None if none did.

        Wipes, and dissolves of pictures that move, are no changes of scene that ``SceneChanges``
        finds.
        """
        for (time, _, _, _), (following, mean, _, _) in pairwise(self.former):
            after = [prediction for seconds, prediction in self.latest if seconds >= following]
            enough = min(mean.count, len(after)) >= _DETECTIONS_THAT_DIFFER
            if enough and all(_differs(mean.prediction, prediction) for prediction in after):
                return time
        return None

    def forget_after(self, seconds: float) -> None:
        """Undo the detections after this time, the first of a track excepted."""
        for time, mean, best, chip in self.former:
            if time > seconds:
                self.mean, self.best, self.chip = mean, best, chip
                return


class _TrackedFaces:
    """The tracks of one video with their appearances, frame after frame."""

    def __init__(self, settings: TrackingSettings) -> None:
        self.tracker = Tracker(settings.gap)
        self._appearances: dict[int, _Appearance] = {}
        self._memory = FaceMemory()
        self._last_grey: Grey | None = None

    def update(self, read: _ReadFrame) -> TrackedFrame:
        frame, grey, scale = read.frame, read.grey, read.scale
        if read.change is not None:
            found = [] if read.detections is None else read.detections.result()
            faces = [_as_face(face) for face, _, _ in found]
            tracks = self.tracker.tracks
            for track in self._memory.strangers(read.change, tracks, faces, grey, scale):
                self.tracker.end(track)
                if read.change.kind is Break.DISSOLVE:
                    # The detections since then saw a mixture of two faces.
                    self._appearances[track.number].forget_after(read.change.since)
        if read.detections is not None:
            self._end_replaced()
            self._match(frame, read.detections.result())
        elif self._last_grey is not None and self.tracker.visible:
            move = partial(follow, self._last_grey, grey, scale)
            self.tracker.move(move, frame.index, frame.seconds)
        self._last_grey = grey
        self._memory.remember(self.tracker.tracks, grey, scale, frame.seconds)
        confirmed = [track for track in self.tracker.visible if self.tracker.is_confirmed(track)]
        return TrackedFrame(frame, tuple(map(self._tracked_face, confirmed)))

    def _end_replaced(self) -> None:
        for track in self.tracker.tracks:
            appearance = self._appearances[track.number]
            since = appearance.replaced_since()
            if since is not None:
                self.tracker.end(track)
                appearance.forget_after(since)

    def _match(self, frame: Frame, found: _Detections) -> None:
        faces = [_as_face(face) for face, _, _ in found]
        tracks = self.tracker.match(faces, frame.index, frame.seconds)
        for track, (face, chip, prediction) in zip(tracks, found, strict=True):
            appearance = _Appearance(RunningMean(), face, chip)
            appearance = self._appearances.setdefault(track.number, appearance)
            appearance.add(frame.seconds, face, chip, prediction)

    def _tracked_face(self, track: Track) -> TrackedFace:
        appearance = self._appearances[track.number]
        mean, flags = appearance.mean, appearance.best.flags
        box = track.face.box
        return TrackedFace(track.number, box, mean.prediction, mean.shown_age, flags=flags)

    def finish(self, tracks: Sequence[Track]) -> Iterator[FaceTrack]:
        for track in tracks:
            appearance = self._appearances.pop(track.number)
            if self.tracker.is_confirmed(track):
                yield FaceTrack(
                    number=track.number,
                    first_frame=track.first_frame,
                    last_frame=track.last_frame,
                    start=track.first_seconds,
                    end=track.last_seconds,
                    frames=track.frames,
                    detections=appearance.mean.count,
                    prediction=appearance.mean.prediction,
                    best=appearance.best,
                    chip=appearance.chip,
                )


def _differs(mean: Predictions, other: Predictions) -> bool:
    distance = 0.5 * np.abs(mean.age_distribution - other.age_distribution).sum()
    return bool(distance > _OTHER_AGE or abs(mean.p_female[0] - other.p_female[0]) > _OTHER_GENDER)


def _as_face(found: FoundFace) -> Face:
    # Every detector gives five landmarks; only pictures that are chips already have none.
    return Face(found.box, found.score or 0.0, found.landmarks)  # type: ignore[arg-type]


def _clarity(face: FoundFace) -> tuple[bool, float]:
    return not face.flags, (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])
