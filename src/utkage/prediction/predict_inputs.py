"""``predict`` for pictures and videos in one call: first the rows of pictures, then of videos."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from utkage.core.errors import ConfigError, UsageError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.setting_checks import texts_to_paths
from utkage.core.text import counted
from utkage.faces.choice import detector_record
from utkage.images.inputs import WHOLE, Inputs
from utkage.images.picture_input import PictureInput
from utkage.images.video import is_stream, is_video
from utkage.models.locate import resolve_weights
from utkage.prediction.annotated_pictures import OnUnwritten
from utkage.prediction.predict import (
    PredictRequest,
    opened_inputs,
    picture_rows,
    picture_writer,
    require_own_shard,
    without_finished,
)
from utkage.prediction.predictor import Predictor, open_predictor
from utkage.prediction.row_files import finished_files
from utkage.prediction.rows import FaceRow, Row, TrackRow
from utkage.prediction.run_record import RunRecord

if TYPE_CHECKING:
    from utkage.prediction.annotated_pictures import PictureWriter
    from utkage.prediction.predict_videos import OnFrame, VideoRequest

PICTURES, VIDEOS = KINDS = ("pictures", "videos")


@dataclass(frozen=True, kw_only=True)
class InputsRequest(PredictRequest):
    """Inputs, outputs and settings of ``predict_inputs``. Further fields: ``PredictRequest``.

    Attributes:
        inputs: As in ``PredictRequest``, and videos: files, those in folders, and addresses.
        camera: Number of a camera to watch after all other inputs, or None.
        only: ``"pictures"`` or ``"videos"`` skips the others; None predicts both.
        every: As in ``VideoRequest``.
        duration: As in ``VideoRequest``.
        resume: JSON lines of an earlier run, whose pictures are skipped; None skips nothing.
        resume_videos: JSON lines of an earlier run, whose videos are skipped; None skips nothing.
        outputs: Files that the caller writes the rows to. None of them may be an input.
        one_kind: Whether pictures and videos in one call are refused, as in a table, whose columns
            are those of one kind.
    """

    camera: int | None = None
    only: str | None = None
    every: int = 5
    duration: float | None = None
    resume_videos: Path | None = None
    outputs: tuple[Path, ...] = ()
    one_kind: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        texts_to_paths(self, "resume_videos")
        if self.only is not None and self.only not in KINDS:
            raise ConfigError(f"`only` {self.only}: choose one of {', '.join(KINDS)}")
        if self.camera is not None and self.only == PICTURES:
            raise ConfigError("`camera` gives a video; leave out `only=pictures`")
        if self.camera is not None and self.shard != WHOLE:
            raise ConfigError("`shard` is for files; a camera cannot be divided")
        if self.are_videos:
            self.of_videos()
        is_live = self.camera is not None or any(map(is_stream, self.inputs))
        if self.resume_videos is not None and is_live:
            raise ConfigError("`resume` is for files; a camera or stream cannot be read again")

    @property
    def are_videos(self) -> bool:
        """Whether every input is named as a video, so that there is no picture."""
        return self.only == VIDEOS or (
            self.only is None
            and bool(self.inputs or self.camera is not None)
            and all(map(is_video, self.inputs))
        )

    def record(self, kind: type[Row]) -> RunRecord:
        """What makes the rows of this class, for the file that they are written to.

        Raises:
            UsageError: there are no such weights.
        """
        settings = {
            "shard": str(self.shard),
            "weights": resolve_weights(self.weights).file_hash,
            **self.row_settings,
            "detector": detector_record(self.detector),
        }
        if kind is TrackRow:
            # Frames are neither rotated nor reduced.
            del settings["rotate"], settings["max_pixels"]
            settings |= {"every": self.every, "duration": self.duration}
        return RunRecord(settings)

    def of_videos(self, *videos: str | int) -> VideoRequest:
        """The request for the videos alone."""
        from utkage.prediction.predict_videos import VideoRequest

        names = {field.name for field in fields(VideoRequest)} - {"videos", "resume"}
        settings = {name: getattr(self, name) for name in names}
        return VideoRequest(videos=videos, resume=self.resume_videos, **settings)


def predict_inputs(
    request: InputsRequest,
    reporter: Reporter | None = None,
    stdin: BinaryIO | None = None,
    *,
    on_frame: OnFrame | None = None,
    on_unwritten: OnUnwritten | None = None,
) -> Generator[FaceRow | TrackRow, None, None]:
    """Predict all pictures, as ``predict`` does, and then all videos, as ``predict_videos`` does.

    Videos in folders and patterns are predicted as well, and so are those that only show what they
    are when they are read. One contact sheet has the faces of both. The arguments are those of the
    two functions.

    Raises:
        UsageError: as the two functions; with ``one_kind``, pictures and videos in one call.
        WeightsError: not a utkage weights file.
    """
    reporter = reporter or SilentReporter()
    inputs = Inputs(iter(()), 0)
    if request.inputs or request.camera is None:
        wants_videos = request.only != PICTURES and request.crop != "none"
        inputs = opened_inputs(
            request, reporter, stdin, videos=wants_videos, outputs=request.outputs
        )
    found = _Found(request, inputs)
    has_pictures = not request.are_videos and (inputs.total is None or inputs.total > 0)
    if request.one_kind and has_pictures and found.videos:
        raise UsageError(
            f"{found.videos[0]}: is a video among pictures, whose rows have other columns; write a "
            "file of each with `out=FILE.csv`, or predict one kind with `only=pictures` or "
            "`only=videos`"
        )
    if request.resume_videos is not None and found.videos:
        finished = finished_files(request.resume_videos, TrackRow, cuts=False)
        require_own_shard(request.resume_videos, finished, inputs)
    with picture_writer(request, reporter, inputs, on_unwritten) as pictures:
        chosen = replace(inputs, pictures=found.pictures())
        if has_pictures:
            chosen = without_finished(chosen, request, reporter, pictures)
        predictor = open_predictor(request, reporter)
        pictures.contract = predictor.card.contract
        if has_pictures:
            yield from picture_rows(chosen, request, predictor, reporter, pictures)
        else:
            # Stdin and names of any kind may stand for videos.
            deque(chosen.pictures, maxlen=0)
        if found.skipped:
            other = PICTURES if request.only == VIDEOS else VIDEOS
            skipped = counted(found.skipped, other.removesuffix("s"))
            reporter.info(f"skipped {skipped} (`only={request.only}`)")
        if found.videos or found.unreadable:
            yield from _video_rows(found, request, predictor, reporter, pictures, on_frame)


def _video_rows(
    found: _Found,
    request: InputsRequest,
    predictor: Predictor,
    reporter: Reporter,
    pictures: PictureWriter,
    on_frame: OnFrame | None,
) -> Iterator[TrackRow]:
    """The rows of the videos that are not finished; those that cannot be read come first."""
    # Pictures do not wait for what only videos need.
    from utkage.prediction.predict_videos import unfinished_videos, video_rows

    videos = request.of_videos()
    refused = {picture.name for picture in found.unreadable}
    sources = unfinished_videos([*refused, *found.videos], videos.resume, reporter, pictures)
    unfinished = set(sources)
    for picture in found.unreadable:
        if picture.name in unfinished:
            yield TrackRow(picture.name, "failed", picture.problem)
    readable = [source for source in sources if source not in refused]
    if readable:
        yield from video_rows(readable, videos, predictor, reporter, pictures, on_frame=on_frame)


class _Found:
    """The videos of a call: those that are known, and those that are found among the pictures."""

    def __init__(self, request: InputsRequest, inputs: Inputs) -> None:
        self._request = request
        self._inputs = inputs
        self.videos: list[str | Path | int] = list(inputs.videos)
        if request.camera is not None:
            self.videos.append(request.camera)
        self.skipped = 0
        # Videos in archives, and at addresses that may not be read.
        self.unreadable: list[PictureInput] = []

    def pictures(self) -> Iterator[PictureInput]:
        """The pictures; videos among them are kept for later."""
        only, are_videos = self._request.only, self._request.are_videos
        for picture in self._inputs.pictures:
            reason = self._refusal if picture.is_video else None
            if (picture.is_video and only == PICTURES) or (not picture.is_video and only == VIDEOS):
                self.skipped += 1
            elif (
                picture.is_video
                and isinstance(picture.source, bytes)
                and (are_videos or not self._request.one_kind)
            ):
                self.unreadable.append(picture)
            elif reason is not None:
                is_unreadable = isinstance(picture.source, bytes)
                problem = f"{picture.name}: is a video; {reason}"
                yield picture if is_unreadable else replace(picture, problem=problem)
            elif picture.is_video or are_videos:
                source = picture.source
                self.videos.append(source if isinstance(source, Path) else picture.name)
            else:
                yield picture

    @property
    def _refusal(self) -> str | None:
        if self._request.are_videos:
            return None
        if self._request.crop == "none":
            return "`crop=none` is for chips; videos need auto or box"
        if self._request.one_kind:
            return "its rows have other columns; predict it with `out=FILE.csv` or `only=videos`"
        return None
