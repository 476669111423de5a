"""From the frames of a video to tracked faces, each with a prediction averaged over time.

Every Nth frame goes through detector, aligner and network; in between, optical flow tracks the
faces. Frames of a file are processed ahead on all cores. Frames of a live stream are processed one
by one, so that nothing is shown late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError
from utkage.faces.detector import Box, Face
from utkage.faces.flow import follow, motion_picture
from utkage.faces.tracking import Track, Tracker
from utkage.images.video import Frame
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.cropping import Cropper, FoundFace
from utkage.prediction.predictions import COLUMNS, Predictions, distribution_quantile

# Largest total size of the frames that are processed ahead: about twenty of the largest cameras.
_MOST_BYTES = 500_000_000
# Weight of a detection that is flagged as small, blurred, turned or cut off; others have 1.
WEAK_WEIGHT = 0.2
# Years that the median must move away from the shown age before another age is shown.
_HOLD = 1.0


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
    """

    track: int
    box: Box
    prediction: Predictions
    shown_age: int


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
    pool = ThreadPoolExecutor(max_workers=workers)
    ahead = 0 if live else 2 * workers * settings.every
    try:
        for frame, detections in _detected(frames, pool, predictor, cropper, settings.every, ahead):
            yield tracks.update(frame, detections)
            yield from tracks.finish(tracks.tracker.ended(frame.seconds))
        yield from tracks.finish(tracks.tracker.tracks)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _detected(
    frames: Iterable[Frame],
    pool: ThreadPoolExecutor,
    predictor: ChipPredictor,
    cropper: Cropper,
    every: int,
    ahead: int,
) -> Generator[tuple[Frame, Future[_Detections] | None], None, None]:
    """Each frame, and for every Nth one its detections, which are computed up to ``ahead``."""
    waiting = deque[tuple[Frame, Future[_Detections] | None]]()
    for number, frame in enumerate(frames):
        runs_detector = number % every == 0
        future = pool.submit(_detect, frame.image, predictor, cropper) if runs_detector else None
        waiting.append((frame, future))
        if len(waiting) > min(ahead, _MOST_BYTES // frame.image.nbytes):
            yield waiting.popleft()
    yield from waiting


def _detect(rgb: NDArray[np.uint8], predictor: ChipPredictor, cropper: Cropper) -> _Detections:
    try:
        faces, chips = cropper.cut(rgb)
    except ImageError:
        # Degenerate landmarks: the next detection finds the face again.
        return []
    predictions = predictor.predict_chips(np.stack(chips)) if chips else ()
    return list(zip(faces, chips, predictions, strict=True))


class RunningMean:
    """Weighted mean of the predictions for one face; ``ValueError`` before there is one.

    The mean is that of the age distributions, not of the ages: an uncertain prediction has a wide
    distribution, which moves the median of the mean less. The interval of the mean is as wide as
    that of a typical prediction or wider. It does not shrink with their number, because
    predictions for one face make similar errors.
    """

    def __init__(self) -> None:
        self._mean: Predictions | None = None
        self._weight = 0.0
        self._shown: int | None = None
        self.count = 0

    def add(self, prediction: Predictions, *, weak: bool = False) -> None:
        """Add a prediction of length 1; a weak one has the weight ``WEAK_WEIGHT``."""
        weight = WEAK_WEIGHT if weak else 1.0
        self._weight += weight
        self.count += 1
        if self._mean is None:
            self._mean = prediction
        share = weight / self._weight
        pairs = ((getattr(self._mean, name), getattr(prediction, name)) for name in COLUMNS)
        _, *probabilities = (mean + share * (new - mean) for mean, new in pairs)
        median = distribution_quantile(probabilities[0], 0.5)
        self._mean = Predictions(median, *probabilities, calibration=self._mean.calibration)
        age = float(median[0])
        if self._shown is None or abs(age - self._shown) > _HOLD:
            self._shown = round(age)

    @property
    def prediction(self) -> Predictions:
        """The mean so far, of length 1; its age is the interpolated median."""
        if self._mean is None:
            raise ValueError("no prediction was added yet")
        return self._mean

    @property
    def shown_age(self) -> int:
        """A steady age for display, in years: it changes only when the mean has moved away."""
        if self._shown is None:
            raise ValueError("no prediction was added yet")
        return self._shown


@dataclass
class _Appearance:
    """Mean prediction and clearest detection of a track."""

    mean: RunningMean
    best: FoundFace
    chip: NDArray[np.uint8]

    def add(self, face: FoundFace, chip: NDArray[np.uint8], prediction: Predictions) -> None:
        self.mean.add(prediction, weak=bool(face.flags))
        if _clarity(face) > _clarity(self.best):
            self.best, self.chip = face, chip


class _TrackedFaces:
    """The tracks of one video with their appearances, frame after frame."""

    def __init__(self, settings: TrackingSettings) -> None:
        self.tracker = Tracker(settings.gap)
        self._appearances: dict[int, _Appearance] = {}
        self._last_grey: NDArray[np.uint8] | None = None

    def update(self, frame: Frame, detections: Future[_Detections] | None) -> TrackedFrame:
        grey, scale = motion_picture(frame.image)
        if detections is not None:
            self._match(frame, detections.result())
        elif self._last_grey is not None and self.tracker.visible:
            move = partial(follow, self._last_grey, grey, scale)
            self.tracker.move(move, frame.index, frame.seconds)
        self._last_grey = grey
        confirmed = [track for track in self.tracker.visible if self.tracker.is_confirmed(track)]
        return TrackedFrame(frame, tuple(map(self._tracked_face, confirmed)))

    def _match(self, frame: Frame, found: _Detections) -> None:
        faces = [_as_face(face) for face, _, _ in found]
        tracks = self.tracker.match(faces, frame.index, frame.seconds)
        for track, (face, chip, prediction) in zip(tracks, found, strict=True):
            appearance = _Appearance(RunningMean(), face, chip)
            self._appearances.setdefault(track.number, appearance).add(face, chip, prediction)

    def _tracked_face(self, track: Track) -> TrackedFace:
        mean = self._appearances[track.number].mean
        return TrackedFace(track.number, track.face.box, mean.prediction, mean.shown_age)

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


def _as_face(found: FoundFace) -> Face:
    # Every detector gives five landmarks; only pictures that are chips already have none.
    return Face(found.box, found.score or 0.0, found.landmarks)  # type: ignore[arg-type]


def _clarity(face: FoundFace) -> tuple[bool, float]:
    return not face.flags, (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])
