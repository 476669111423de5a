"""``predict`` for videos, cameras and streams: one row a face that was followed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError, UsageError
from utkage.core.reporter import Progress, Reporter, SilentReporter
from utkage.core.signals import deferred_stop_signals
from utkage.images.discover import expand_inputs
from utkage.images.video import (
    VIDEO_SUFFIXES,
    Capture,
    Video,
    is_video,
    needs_download,
    open_video,
    video_name,
)
from utkage.prediction.annotated_pictures import PictureWriter
from utkage.prediction.predictor import Predictor, PredictSettings, open_predictor
from utkage.prediction.rows import gender_with_certainty, prediction_columns
from utkage.prediction.track_rows import TrackRow, track_row

if TYPE_CHECKING:
    from utkage.images.video_writer import AddFrame
    from utkage.prediction.face_tracks import FaceTrack, TrackedFrame, TrackingSettings

# A file of which less can be read is damaged; containers count a few frames too many.
_WHOLE = 0.9


@dataclass(frozen=True)
class VideoRequest(PredictSettings):
    """Which videos to answer for; how is said by the settings of a predictor.

    Attributes:
        videos: Files, patterns, addresses with ``allow_download``, and numbers of cameras.
        every: Each so manyth frame is looked at by the detector.
        duration: Seconds of each video to look at; None: until it ends.
        save_images: Folder for annotated copies (.mp4), or None.
        save_crops: Folder for the clearest chip of each face, or None.
        contact_sheet: File for one picture of these, or None.
        allow_download: Whether addresses may be read.
    """

    videos: tuple[str | int, ...] = ()
    every: int = 5
    duration: float | None = None
    save_images: Path | None = None
    save_crops: Path | None = None
    contact_sheet: Path | None = None
    allow_download: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop == "none":
            raise ConfigError("`crop=none` is for chips; videos need auto or box")
        # Its checks are ours.
        _ = self.tracking
        if self.duration is not None and not self.duration > 0:
            raise ConfigError(f"`duration` {self.duration}: use seconds above 0")

    @property
    def tracking(self) -> TrackingSettings:
        """How faces are followed."""
        from utkage.prediction.face_tracks import TrackingSettings

        return TrackingSettings(self.every)


@dataclass(frozen=True)
class ShownFrame:
    """A frame for people who watch.

    Attributes:
        name: Of the video.
        watched: The frame and its faces.
        answers: One dictionary a face, with the keys of rows from ``age`` to ``p_at_least``.
        dropped: Frames of a live stream that nobody has looked at so far.
    """

    name: str
    watched: TrackedFrame
    answers: Sequence[dict[str, Any]]
    dropped: int

    @property
    def words(self) -> str:
        """The answers on one line, such as for a terminal."""
        return "; ".join(" ".join(lines) for lines in self._lines)

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """The frame with boxes, numbers, ages and genders drawn in, uint8 RGB."""
        from utkage.images.draw import Annotation, annotate

        boxes = [face.box for face in self.watched.faces]
        annotations = [Annotation(*pair) for pair in zip(boxes, self._lines, strict=True)]
        return annotate(self.watched.frame.image, annotations)

    @property
    def _lines(self) -> list[tuple[str, str]]:
        return [
            (
                f"#{face.track}: {face.shown_age} "
                f"({answer['age_low']:.0f}-{answer['age_high']:.0f})",
                gender_with_certainty(answer["gender"], answer["p_female"]),
            )
            for face, answer in zip(self.watched.faces, self.answers, strict=True)
        ]


OnFrame = Callable[[ShownFrame], bool]


def predict_videos(
    request: VideoRequest,
    reporter: Reporter | None = None,
    *,
    on_frame: OnFrame | None = None,
    open_capture: Callable[[Any], Capture] | None = None,
) -> Iterator[TrackRow]:
    """Follow and answer for every face of every video; rows come as faces leave.

    A video that cannot be read gives a row that says why, one without faces a row that says so.
    Ctrl-C ends the video: its rows and pictures are finished before KeyboardInterrupt is raised;
    for a live stream it is the usual end, and nothing is raised.

    Args:
        request: What to answer for.
        reporter: Hears what is done.
        on_frame: Called with every frame; returning False ends the video.
        open_capture: Instead of ``cv2.VideoCapture``.

    Raises:
        UsageError: nothing to look at, an address without permission, unknown weights or device.
        WeightsError: the weights are not ours.
    """
    reporter = reporter or SilentReporter()
    sources = video_sources(request.videos, allow_download=request.allow_download)
    pictures = PictureWriter(request.save_images, request.save_crops, request.contact_sheet)
    predictor = open_predictor(request, reporter)
    try:
        for source in sources:
            try:
                video = open_video(source, open_capture)
            except ImageError as error:
                yield TrackRow(video_name(source), "failed", str(error))
                continue
            yield from _Watching(video, request, predictor, pictures, reporter, on_frame).rows()
    finally:
        pictures.finish()


def video_sources(
    videos: Sequence[str | int], *, allow_download: bool = False
) -> list[str | Path | int]:
    """Turn what was typed into paths, addresses and numbers of cameras.

    Raises:
        UsageError: nothing, a picture or folder among videos, or an address without permission.
    """
    sources: list[str | Path | int] = []
    for given in videos:
        if isinstance(given, int):
            sources.append(given)
        elif not is_video(given):
            raise UsageError(f"{given}: is no video; name pictures and videos in two calls")
        elif not needs_download(given):
            sources.extend(expand_inputs([given], VIDEO_SUFFIXES))
        elif allow_download:
            sources.append(given)
        else:
            raise UsageError(
                f"{given}: is an address; nothing is read without `allow_download=True`"
            )
    if not sources:
        raise UsageError("no video given; name files, or a camera with `camera=0`")
    return sources


@dataclass
class _Watching:
    """One video on its way through."""

    video: Video
    request: VideoRequest
    predictor: Predictor
    pictures: PictureWriter
    reporter: Reporter
    on_frame: OnFrame | None
    seen: int = field(default=0, init=False)
    stopped: bool = field(default=False, init=False)

    def rows(self) -> Iterator[TrackRow]:
        found = 0
        with deferred_stop_signals(second_interrupts=True) as asked, ExitStack() as stack:
            task = stack.enter_context(self.reporter.progress(self.video.name, self.video.total))
            write: AddFrame | None = None
            if self.request.save_images is not None:
                from utkage.images.video_writer import video_file

                path = self.pictures.video_path(self.video.name)
                write = stack.enter_context(video_file(path, self.video.rate))
            for event in self._events(task, write, asked):
                found += 1
                row = track_row(self.video.name, event, self.request.row_options)
                self.pictures.add_track(event, row)
                yield row
            interrupted = asked() and not self.video.live
        if not found:
            yield self._without_faces()
        self._tell_losses()
        if interrupted:
            raise KeyboardInterrupt

    def _events(
        self, task: Progress, write: AddFrame | None, asked: Callable[[], bool]
    ) -> Iterator[FaceTrack]:
        from utkage.prediction.face_tracks import FaceTrack

        frames = self._frames(asked)
        events = self.predictor.watch(frames, self.request.tracking, live=self.video.live)
        with closing(frames), closing(events):
            for event in events:
                if isinstance(event, FaceTrack):
                    yield event
                else:
                    task.advance(1, self._show(event, write).words)

    def _frames(self, asked: Callable[[], bool]) -> Generator[Any, None, None]:
        with closing(self.video.frames()) as frames:
            for frame in frames:
                duration = self.request.duration
                if asked() or self.stopped or (duration is not None and frame.seconds >= duration):
                    self.stopped = True
                    return
                self.seen += 1
                yield frame

    def _show(self, watched: TrackedFrame, write: AddFrame | None) -> ShownFrame:
        options = self.request.row_options
        answers = [prediction_columns(face.answer, options)[0] for face in watched.faces]
        dropped = watched.frame.index + 1 - self.seen if self.video.live else 0
        shown = ShownFrame(self.video.name, watched, answers, dropped)
        if write is not None:
            write(shown.picture, watched.frame.seconds)
        if self.on_frame is not None and not self.on_frame(shown):
            self.stopped = True
        return shown

    def _without_faces(self) -> TrackRow:
        if self.seen:
            return TrackRow(self.video.name, "no_face", frames=self.seen)
        return TrackRow(self.video.name, "failed", f"{self.video.name}: no frame can be read")

    def _tell_losses(self) -> None:
        total = self.video.total
        if total and not self.stopped and self.seen < _WHOLE * total:
            self.reporter.warn(
                f"{self.video.name}: only {self.seen} of its {total} frames can be read; "
                "the file is damaged or cut off"
            )
