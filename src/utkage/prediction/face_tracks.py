"""From the frames of a video to tracked faces, each with one answer that grows surer.

Every k-th frame goes through detector, aligner and network; between them faces are followed by
optical flow. Frames of a file are looked at ahead on all cores, those of a live stream one by one,
so that nothing is shown late.
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
from utkage.prediction.predictions import Predictions
from utkage.prediction.running_mean import RunningMean


@dataclass(frozen=True)
class TrackingSettings:
    """How faces are followed.

    Attributes:
        every: Each so manyth frame is looked at by the detector; 1: all.
        gap: Seconds after which a face that was not seen is another one when it comes back.
    """

    every: int = 5
    gap: float = 1.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"`every` {self.every}: use 1 (each frame) or more")
        if not self.gap >= 0:
            raise ConfigError(f"`gap` {self.gap}: use 0 or more seconds")


@dataclass(frozen=True)
class TrackedFace:
    """One face in one frame.

    Attributes:
        track: Number of its track, from 1.
        box: x0, y0, x1, y1 in pixels of the frame; may reach beyond it.
        answer: Of the track so far, of length 1.
        shown_age: Years, for people who watch: holds still where the estimate hardly moves.
    """

    track: int
    box: Box
    answer: Predictions
    shown_age: int


@dataclass(frozen=True)
class FaceTrack:
    """One face through a video.

    Attributes:
        number: From 1, in the order of appearance.
        first_frame: Index of the frame in which it appeared.
        last_frame: Index of the frame in which it was last seen.
        start: Time of the first one, seconds.
        end: Time of the last one.
        frames: Frames in which it was seen.
        looks: Detections that its answer is the mean of.
        answer: Of length 1.
        best: The clearest look: not flagged if any was not, of these the largest.
        chip: uint8 RGB (size, size, 3) of that look.
    """

    number: int
    first_frame: int
    last_frame: int
    start: float
    end: float
    frames: int
    looks: int
    answer: Predictions
    best: FoundFace
    chip: NDArray[np.uint8]


@dataclass(frozen=True)
class TrackedFrame:
    """One frame and what is known by then.

    Attributes:
        frame: The frame.
        faces: The confirmed faces that are seen in it, in the order of their tracks.
    """

    frame: Frame
    faces: tuple[TrackedFace, ...]


# Frames that are held while they are looked at ahead: some twenty of the largest cameras.
_MOST_BYTES = 500_000_000

_Look = tuple[tuple[FoundFace, ...], tuple[NDArray[np.uint8], ...], Predictions]


def watch(
    frames: Iterable[Frame],
    predictor: ChipPredictor,
    cropper: Cropper,
    settings: TrackingSettings,
    *,
    workers: int,
    live: bool = False,
) -> Generator[TrackedFrame | FaceTrack, None, None]:
    """Follow and answer for every face of a video.

    Every frame comes out in its order, and every track as soon as it is known to be over.

    Args:
        frames: Of the video, read as they are needed.
        predictor: Answers for chips.
        cropper: Finds faces and cuts them out.
        settings: How faces are followed.
        workers: Threads.
        live: Never read ahead of the frame that is answered for.
    """
    faces = _Faces(settings)
    pool = ThreadPoolExecutor(max_workers=workers)
    ahead = 0 if live else 2 * workers * settings.every
    try:
        for frame, look in _looked_at(frames, pool, predictor, cropper, settings.every, ahead):
            yield faces.take(frame, look)
            yield from faces.ended(frame.seconds)
        yield from faces.rest()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _looked_at(
    frames: Iterable[Frame],
    pool: ThreadPoolExecutor,
    predictor: ChipPredictor,
    cropper: Cropper,
    every: int,
    ahead: int,
) -> Generator[tuple[Frame, Future[_Look] | None], None, None]:
    remaining = enumerate(iter(frames))

    def begun(number: int, frame: Frame) -> tuple[Frame, Future[_Look] | None]:
        if number % every:
            return frame, None
        return frame, pool.submit(_look, frame.image, predictor, cropper)

    waiting = deque[tuple[Frame, Future[_Look] | None]]()
    for item in remaining:
        waiting.append(begun(*item))
        if len(waiting) > min(ahead, _MOST_BYTES // item[1].image.nbytes):
            yield waiting.popleft()
    yield from waiting


def _look(rgb: NDArray[np.uint8], predictor: ChipPredictor, cropper: Cropper) -> _Look:
    try:
        faces, chips = cropper.cut(rgb)
    except ImageError:
        # Landmarks on one point: the face is seen again in the next look.
        faces, chips = (), ()
    answers = predictor.predict_chips(np.stack(chips)) if chips else Predictions.concatenate([])
    return faces, chips, answers


@dataclass
class _Known:
    """What is known of a track beside where it is."""

    answer: RunningMean
    best: FoundFace
    chip: NDArray[np.uint8]

    def add(self, face: FoundFace, chip: NDArray[np.uint8], answer: Predictions) -> None:
        self.answer.add(answer, weak=bool(face.flags))
        if _clarity(face) > _clarity(self.best):
            self.best, self.chip = face, chip


class _Faces:
    """The faces of one video, frame after frame."""

    def __init__(self, settings: TrackingSettings) -> None:
        self._tracker = Tracker(settings.gap)
        self._known: dict[int, _Known] = {}
        self._before: NDArray[np.uint8] | None = None

    def take(self, frame: Frame, look: Future[_Look] | None) -> TrackedFrame:
        grey, scale = motion_picture(frame.image)
        if look is not None:
            self._match(frame, *look.result())
        elif self._before is not None and self._tracker.visible:
            moving = partial(follow, self._before, grey, scale)
            self._tracker.move(moving, frame.index, frame.seconds)
        self._before = grey
        seen = [track for track in self._tracker.visible if self._tracker.is_confirmed(track)]
        return TrackedFrame(frame, tuple(map(self._tracked, seen)))

    def ended(self, seconds: float) -> Iterator[FaceTrack]:
        return self._finished(self._tracker.ended(seconds))

    def rest(self) -> Iterator[FaceTrack]:
        return self._finished(self._tracker.tracks)

    def _match(
        self,
        frame: Frame,
        found: Sequence[FoundFace],
        chips: Sequence[NDArray[np.uint8]],
        answers: Predictions,
    ) -> None:
        tracks = self._tracker.match([_as_face(face) for face in found], frame.index, frame.seconds)
        for index, (track, face, chip) in enumerate(zip(tracks, found, chips, strict=True)):
            known = self._known.setdefault(track.number, _Known(RunningMean(), face, chip))
            known.add(face, chip, answers.select(index, index + 1))

    def _tracked(self, track: Track) -> TrackedFace:
        answer = self._known[track.number].answer
        return TrackedFace(track.number, track.face.box, answer.answer, answer.shown_age)

    def _finished(self, tracks: Sequence[Track]) -> Iterator[FaceTrack]:
        for track in tracks:
            known = self._known.pop(track.number)
            if self._tracker.is_confirmed(track):
                yield FaceTrack(
                    track.number,
                    track.first_frame,
                    track.last_frame,
                    track.first_seconds,
                    track.last_seconds,
                    track.frames,
                    known.answer.count,
                    known.answer.answer,
                    known.best,
                    known.chip,
                )


def _as_face(found: FoundFace) -> Face:
    # Every detector gives five landmarks; only pictures that are chips already have none.
    return Face(found.box, found.score or 0.0, found.landmarks)  # type: ignore[arg-type]


def _clarity(face: FoundFace) -> tuple[bool, float]:
    return not face.flags, (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])
