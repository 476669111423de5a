"""``predict`` for videos, cameras and streams: one row per tracked face."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from signal import SIGINT
from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError, UsageError, WeightsError
from utkage.core.reporter import Progress, Reporter, SilentReporter
from utkage.core.setting_checks import paths_to_texts, texts_to_paths
from utkage.core.signals import deferred_stop_signals, interruption
from utkage.images.discover import expand_inputs
from utkage.images.draw import Annotation, annotate
from utkage.images.video import (
    Capture,
    Video,
    is_stream,
    is_video,
    needs_download,
    open_video,
    video_name,
)
from utkage.images.video_formats import VIDEO_SUFFIXES
from utkage.images.video_writer import AddFrame
from utkage.prediction.annotated_pictures import OnUnwritten, PictureWriter, warning_of_unwritten
from utkage.prediction.annotated_video import AnnotatedVideo
from utkage.prediction.face_tracks import FaceTrack, TrackedFrame, TrackingSettings
from utkage.prediction.predictor import Predictor, PredictSettings, open_predictor
from utkage.prediction.row_files import check_rows_file, finished_files, finished_rows, resume_note
from utkage.prediction.rows import TrackRow, gender_label, prediction_columns, track_row

# A file with a smaller share of readable frames is damaged. Containers often count a few too many.
_READABLE_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class VideoRequest(PredictSettings):
    """Inputs, outputs and settings of ``predict_videos``. Further fields: ``PredictSettings``.

    Attributes:
        videos: Files, patterns, addresses with ``allow_download``, and numbers of cameras.
        every: Interval between detections, in frames; faces are tracked in between.
        duration: Seconds of each video to process; None processes it to its end.
        save_images: Folder for annotated copies (.mp4), or None.
        save_crops: Folder for the clearest chip of each face, or None.
        contact_sheet: File for one picture of these chips, or None.
        allow_download: Whether addresses may be read.
        overwrite: Whether the contact sheet may replace a picture of another program.
        resume: JSON lines of an earlier run, whose files are skipped; None skips nothing.
    """

    videos: tuple[str | int, ...] = ()
    every: int = 5
    duration: float | None = None
    save_images: Path | None = None
    save_crops: Path | None = None
    contact_sheet: Path | None = None
    allow_download: bool = False
    overwrite: bool = False
    resume: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        videos: object = self.videos
        if isinstance(videos, (str, int)):
            raise ConfigError(f"videos are a tuple; write videos=({videos!r},)")
        paths_to_texts(self, "videos")
        texts_to_paths(self, "save_images", "save_crops", "contact_sheet", "resume")
        if self.crop == "none":
            raise ConfigError("`crop=none` is for chips; videos need auto or box")
        _ = self.tracking  # validates `every`
        if self.duration is not None and not self.duration > 0:
            raise ConfigError(f"`duration` {self.duration}: use seconds above 0")

    @property
    def tracking(self) -> TrackingSettings:
        """How faces are tracked."""
        return TrackingSettings(self.every)


@dataclass(frozen=True)
class ShownFrame:
    """A frame with its predictions, for display.

    Attributes:
        name: Name of the video.
        tracked: The frame and its faces.
        columns: Per face, the row fields from ``age`` to ``p_at_least``.
        dropped: Number of frames of a live stream that were skipped so far.
    """

    name: str
    tracked: TrackedFrame
    columns: Sequence[dict[str, Any]]
    dropped: int

    @property
    def label(self) -> str:
        """The predictions on one line, such as for a terminal."""
        return "; ".join(" ".join(lines) for lines in self._lines)

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """A copy of the frame with boxes, numbers, ages and genders, uint8 RGB."""
        faces = zip(self.tracked.faces, self._lines, strict=True)
        annotations = [Annotation(face.box, lines) for face, lines in faces]
        return annotate(self.tracked.frame.image, annotations)

    @property
    def _lines(self) -> list[tuple[str, str]]:
        return [
            (
                f"#{face.track}: {face.shown_age} "
                f"({columns['age_low']:.0f}-{columns['age_high']:.0f})",
                gender_label(columns["gender"], columns["p_female"]),
            )
            for face, columns in zip(self.tracked.faces, self.columns, strict=True)
        ]


OnFrame = Callable[[ShownFrame], bool]


def predict_videos(
    request: VideoRequest,
    reporter: Reporter | None = None,
    *,
    on_frame: OnFrame | None = None,
    open_capture: Callable[[Any], Capture] | None = None,
    on_unwritten: OnUnwritten | None = None,
) -> Generator[TrackRow, None, None]:
    """Track every face of every video and predict its age and gender; rows come as faces leave.

    A video that cannot be read gives a row with the reason, and one without faces gives a row of
    its own. Ctrl-C ends the video: its rows and pictures are finished before KeyboardInterrupt is
    raised. For a live stream it is the usual end, and nothing is raised. ``on_frame`` is called
    with every frame; the video ends when it returns False. ``open_capture`` replaces
    ``cv2.VideoCapture``, and ``on_unwritten`` is as in ``predict``.

    Raises:
        UsageError: no video, an address without permission, unknown weights or device.
        WeightsError: not a utkage weights file.
    """
    reporter = reporter or SilentReporter()
    sources: Sequence[str | Path | int] = video_sources(
        request.videos, allow_download=request.allow_download
    )
    pictures = PictureWriter(
        request.save_images,
        request.save_crops,
        request.contact_sheet,
        inputs=[source for source in sources if isinstance(source, Path)],
        overwrite=request.overwrite,
        on_unwritten=on_unwritten or warning_of_unwritten(reporter),
    )
    with pictures:
        sources = unfinished_videos(sources, request.resume, reporter, pictures)
        predictor = open_predictor(request, reporter)
        pictures.contract = predictor.card.contract
        yield from video_rows(
            sources,
            request,
            predictor,
            reporter,
            pictures,
            on_frame=on_frame,
            open_capture=open_capture,
        )


def video_rows(
    sources: Iterable[str | Path | int],
    request: VideoRequest,
    predictor: Predictor,
    reporter: Reporter,
    pictures: PictureWriter,
    *,
    on_frame: OnFrame | None = None,
    open_capture: Callable[[Any], Capture] | None = None,
) -> Generator[TrackRow, None, None]:
    """Predict videos one after another; ``on_frame`` and the rest as in ``predict_videos``."""
    for source in sources:
        try:
            video = open_video(source, open_capture)
        except ImageError as error:
            yield TrackRow(video_name(source), "failed", str(error))
            continue
        run = _VideoRun(
            video=video,
            request=request,
            predictor=predictor,
            pictures=pictures,
            reporter=reporter,
            on_frame=on_frame,
        )
        try:
            yield from run.rows()
        except WeightsError as error:
            # The weights predict the impossible for a face of this video.
            yield TrackRow(video.name, "failed", f"{video.name}: {error}")


def unfinished_videos(
    sources: Sequence[str | Path | int],
    resume: Path | None,
    reporter: Reporter,
    pictures: PictureWriter,
) -> list[str | Path | int]:
    """The videos without those that ``resume`` has all rows of, whose copies are kept.

    Raises:
        UsageError: a camera or stream, which has no end, or a file of something else.
    """
    if resume is None:
        return list(sources)
    for source in sources:
        if isinstance(source, int) or is_stream(os.fspath(source)):
            raise UsageError(
                f"{video_name(source)}: `resume` is for files; a live stream does not come again"
            )
    check_rows_file(resume, resume=True)
    finished = finished_files(resume, TrackRow)
    reporter.info(resume_note(resume, len(finished), "video"))
    for row in finished_rows(resume, TrackRow):
        pictures.reserve_track(row)
    return [source for source in sources if normalize("NFC", video_name(source)) not in finished]


def video_sources(
    videos: Sequence[str | int], *, allow_download: bool = False
) -> list[str | Path | int]:
    """Turn the given names into paths, addresses and numbers of cameras.

    Raises:
        UsageError: no video, a picture or folder among videos, or an address without permission.
    """
    sources: list[str | Path | int] = []
    for given in videos:
        if isinstance(given, int):
            sources.append(given)
        elif not is_video(given):
            raise UsageError(f"{given}: not a video; use predict_inputs for pictures and videos")
        elif not needs_download(given):
            sources.extend(expand_inputs([given], VIDEO_SUFFIXES))
        elif allow_download:
            sources.append(given)
        else:
            raise UsageError(f"{given}: reading an address needs `allow_download=True`")
    if not sources:
        raise UsageError("no video given; name files, or a camera with `camera=0`")
    return sources


@dataclass(kw_only=True)
class _VideoRun:
    """The prediction of one video, from its frames to its rows."""

    video: Video
    request: VideoRequest
    predictor: Predictor
    pictures: PictureWriter
    reporter: Reporter
    on_frame: OnFrame | None
    read: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)
    stopped: bool = field(default=False, init=False)

    def rows(self) -> Iterator[TrackRow]:
        found = 0
        with deferred_stop_signals(second_interrupts=True) as stop_requested, ExitStack() as stack:
            task = stack.enter_context(self.reporter.progress(self.video.name, self.video.total))
            write: AddFrame | None = None
            if self.request.save_images is not None:
                path = self.pictures.video_path(self.video.name)
                copy = AnnotatedVideo(path, self.video.rate, self.pictures.on_unwritten)
                write = stack.enter_context(copy).add
            for track in self._tracks(task, write, stop_requested):
                found += 1
                row = track_row(self.video.name, track, self.request)
                self.pictures.add_track(track, row)
                yield row
            signal_number = stop_requested()
        # A video that was stopped before its first frame is no failed one.
        if not found and (self.read or not signal_number):
            yield self._row_without_faces()
        if self._is_cut_short():
            self.reporter.warn(
                f"{self.video.name}: only {self.read} of its {self.video.total} frames can be "
                "read; the file is damaged or truncated"
            )
        # Ctrl-C is the usual end of a live stream; SIGTERM is not.
        if signal_number and not (self.video.live and signal_number == SIGINT):
            raise interruption(signal_number)

    def _tracks(
        self, task: Progress, write: AddFrame | None, stop_requested: Callable[[], int]
    ) -> Iterator[FaceTrack]:
        frames = self._frames(stop_requested)
        events = self.predictor.watch(frames, self.request.tracking, live=self.video.live)
        with closing(frames), closing(events):
            for event in events:
                if isinstance(event, FaceTrack):
                    yield event
                else:
                    task.advance(1, self._show(event, write).label)

    def _frames(self, stop_requested: Callable[[], int]) -> Generator[Any, None, None]:
        duration = self.request.duration
        with closing(self.video.frames()) as frames:
            for frame in frames:
                is_over = duration is not None and frame.seconds >= duration
                if stop_requested() or self.stopped or is_over:
                    self.stopped = True
                    return
                self.read += 1
                self.seconds = frame.seconds
                yield frame

    def _show(self, tracked: TrackedFrame, write: AddFrame | None) -> ShownFrame:
        columns = [
            prediction_columns(face.prediction, self.request, [face.flags])[0]
            for face in tracked.faces
        ]
        dropped = tracked.frame.index + 1 - self.read if self.video.live else 0
        shown = ShownFrame(self.video.name, tracked, columns, dropped)
        if write is not None:
            write(shown.picture, tracked.frame.seconds)
        if self.on_frame is not None and not self.on_frame(shown):
            self.stopped = True
        return shown

    def _is_cut_short(self) -> bool:
        """Whether frames ended before the header promises: by number and by time.

        Where the frame rate varies, the number of frames in the header may be an estimate.
        """
        total, duration = self.video.total, self.video.duration
        if not total or not self.read or self.stopped or self.read >= _READABLE_SHARE * total:
            return False
        return duration is None or self.seconds + 1 / self.video.rate < _READABLE_SHARE * duration

    def _row_without_faces(self) -> TrackRow:
        name = self.video.name
        if self.read:
            return TrackRow(name, "no_face", frames=self.read)
        return TrackRow(name, "failed", f"{name}: {self.video.problem}")
