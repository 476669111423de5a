"""``predict``: from photographs to one row a face."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from utkage.core.errors import ConfigError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.faces.choice import check_detector, open_detector
from utkage.images.inputs import Inputs, open_inputs
from utkage.models.locate import resolve_weights
from utkage.workflows.face_pictures import PictureWriter
from utkage.workflows.face_rows import CSV_FIELDS as CSV_FIELDS
from utkage.workflows.face_rows import ROW_FIELDS as ROW_FIELDS
from utkage.workflows.face_rows import FaceRow as FaceRow
from utkage.workflows.face_rows import RowOptions, photo_rows
from utkage.workflows.row_files import check_rows_file, finished_files

if TYPE_CHECKING:
    from utkage.engines.inference.photos import Photo

CROPS = ("auto", "none", "box")


@dataclass(frozen=True)
class PredictRequest:
    """What to answer for, and how.

    Attributes:
        inputs: Files, folders (searched recursively), glob patterns, ``-`` for stdin (a picture,
            or paths, one a line), and with ``allow_download`` addresses.
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``--device``.
        engine: ``"onnx"``, ``"torch"`` or ``"auto"``, as in ``load_predictor``.
        crop: ``"auto"`` finds and aligns faces, ``"box"`` finds them and cuts around the box
            without turning, ``"none"`` takes pictures that are chips already.
        flip: Average each answer with that for the mirrored chip.
        interval: Level of the age interval, 0..1.
        max_faces: Keep only this many faces of a photograph, the largest.
        save_images: Folder for annotated copies, or None.
        workers: Threads.
        detector: As in ``faces.choice.open_detector``.
        min_face: Smallest face to report, in pixels; None: what is found without looking finer.
        threshold: An age T; rows then say P(age >= T).
        uncertain_below: Gender is ``"uncertain"`` when neither has this probability, 0.5..1.
        save_crops: Folder for the chips, or None.
        contact_sheet: File for one picture of all faces, or None.
        allow_download: Whether addresses may be fetched.
        resume: JSON lines of an earlier run, whose files are left out; None: all are answered.
    """

    inputs: tuple[str, ...]
    weights: str = "auto"
    device: str = "auto"
    engine: str = "auto"
    crop: str = "auto"
    flip: bool = True
    interval: float = 0.8
    max_faces: int | None = None
    save_images: Path | None = None
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    detector: str = "retinaface"
    min_face: float | None = None
    threshold: int | None = None
    uncertain_below: float = 0.75
    save_crops: Path | None = None
    contact_sheet: Path | None = None
    allow_download: bool = False
    resume: Path | None = None

    def __post_init__(self) -> None:
        inputs: object = self.inputs
        if isinstance(inputs, str):
            raise ConfigError(f"inputs are a tuple of paths; write inputs=({self.inputs!r},)")
        if self.workers < 1:
            raise ConfigError(f"workers {self.workers} must be at least 1")
        if self.crop not in CROPS:
            raise ConfigError(f"--crop {self.crop}: choose one of {', '.join(CROPS)}")
        if self.max_faces is not None and self.max_faces < 1:
            raise ConfigError(f"max faces {self.max_faces} must be at least 1")
        if self.min_face is not None and not self.min_face >= 0:
            raise ConfigError(f"--min-face {self.min_face}: use 0 or more pixels")
        check_detector(self.detector)
        # Its checks are ours.
        RowOptions(self.interval, self.threshold, self.uncertain_below)

    @property
    def row_options(self) -> RowOptions:
        """What rows say."""
        return RowOptions(self.interval, self.threshold, self.uncertain_below)


def predict(
    request: PredictRequest, reporter: Reporter | None = None, stdin: BinaryIO | None = None
) -> Iterator[FaceRow]:
    """Answer for every face in the inputs, lazily and in their order.

    A file that cannot be read gives a row that says why; the rest goes on.

    Args:
        request: What to answer for.
        reporter: Hears what is done.
        stdin: What ``-`` reads.

    Raises:
        UsageError: nothing to read, unknown weights, or an unknown device.
        WeightsError: the weights are not ours.
    """
    reporter = reporter or SilentReporter()
    writer = PictureWriter(request.save_images, request.save_crops, request.contact_sheet)
    inputs = open_inputs(request.inputs, stdin=stdin, allow_download=request.allow_download)
    if request.resume is not None:
        inputs = _remaining(inputs, request.resume, reporter)
    with closing(_photos(inputs, request, reporter)) as photos:
        for photo in photos:
            rows = photo_rows(photo, request.row_options)
            writer.add(photo, rows)
            yield from rows
    writer.finish()


def _remaining(inputs: Inputs, rows: Path, reporter: Reporter) -> Inputs:
    check_rows_file(rows, resume=True)
    finished = finished_files(rows)
    reporter.info(f"{rows}: holds the answers for {len(finished)} files; going on behind them")
    pictures = (picture for picture in inputs.pictures if picture.name not in finished)
    total = None if inputs.total is None else max(0, inputs.total - len(finished))
    return Inputs(pictures, total)


def _photos(
    inputs: Inputs, request: PredictRequest, reporter: Reporter
) -> Generator[Photo, None, None]:
    from utkage.engines.inference.cropping import Cropper
    from utkage.engines.inference.loading import load_predictor
    from utkage.engines.inference.photos import predict_photos

    weights, origin = resolve_weights(request.weights)
    predictor = load_predictor(
        weights, device=request.device, flip=request.flip, engine=request.engine
    )
    reporter.info(f"weights {weights} ({origin}), engine {predictor.engine}")
    detector = None
    if request.crop != "none":
        detector = open_detector(request.detector, request.min_face)
    cropper = Cropper(
        predictor.card.contract,
        detector,
        by_box=request.crop == "box",
        max_faces=request.max_faces,
    )
    with reporter.progress("predicting", inputs.total) as task:
        photos = predict_photos(
            inputs.pictures,
            predictor,
            cropper,
            workers=request.workers,
            keep_images=request.save_images is not None,
        )
        with closing(photos):
            for photo in photos:
                yield photo
                task.advance(1)
