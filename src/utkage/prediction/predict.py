"""``predict``: from photographs to one row a face."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from utkage.core.errors import ConfigError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.images.inputs import Inputs, open_inputs
from utkage.prediction.annotated_pictures import PictureWriter
from utkage.prediction.face_rows import FaceRow as FaceRow
from utkage.prediction.face_rows import photo_rows
from utkage.prediction.predictor import PredictSettings, open_predictor
from utkage.prediction.row_files import check_rows_file, finished_files

if TYPE_CHECKING:
    from utkage.prediction.photos import Photo


@dataclass(frozen=True)
class PredictRequest(PredictSettings):
    """What to answer for; how is said by the settings of a predictor.

    Attributes:
        inputs: Files, folders (searched recursively), glob patterns, ``-`` for stdin (a picture,
            or paths, one a line), and with ``allow_download`` addresses.
        save_images: Folder for annotated copies, or None.
        save_crops: Folder for the chips, or None.
        contact_sheet: File for one picture of all faces, or None.
        allow_download: Whether addresses may be fetched.
        resume: JSON lines of an earlier run, whose files are left out; None: all are answered.
    """

    inputs: tuple[str, ...] = ()
    save_images: Path | None = None
    save_crops: Path | None = None
    contact_sheet: Path | None = None
    allow_download: bool = False
    resume: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        inputs: object = self.inputs
        if isinstance(inputs, str):
            raise ConfigError(f"inputs are a tuple of paths; write inputs=({self.inputs!r},)")


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
    return Inputs(pictures, total, inputs.ready)


def _photos(
    inputs: Inputs, request: PredictRequest, reporter: Reporter
) -> Generator[Photo, None, None]:
    predictor = open_predictor(request, reporter)
    with reporter.progress("predicting", inputs.total) as task:
        keep = request.save_images is not None
        photos = predictor.photos(inputs.pictures, keep_images=keep, ready=inputs.ready)
        with closing(photos):
            for photo in photos:
                yield photo
                task.advance(1)
