"""``predict``: from photographs to one row per face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from unicodedata import normalize

from utkage.core.errors import ConfigError, UsageError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.setting_checks import paths_to_texts, texts_to_paths
from utkage.images.containers.limits import Limits
from utkage.images.inputs import LIMITS, WHOLE, Inputs, open_inputs
from utkage.images.picture_input import PictureInput
from utkage.images.shards import Shard
from utkage.prediction.annotated_pictures import OnUnwritten, PictureWriter, warning_of_unwritten
from utkage.prediction.predictor import Predictor, PredictSettings, open_predictor
from utkage.prediction.row_files import check_rows_file, finished_files, finished_rows, resume_note
from utkage.prediction.rows import FaceRow, photo_rows


@dataclass(frozen=True, kw_only=True)
class PredictRequest(PredictSettings):
    """Inputs, outputs and settings of ``predict``. Further fields: ``PredictSettings``.

    Attributes:
        inputs: Files, folders (searched recursively), glob patterns, archives, Parquet files,
            ``-`` for stdin (a picture, or paths, one per line), and with ``allow_download``
            addresses.
        save_images: Folder for annotated copies, or None.
        save_crops: Folder for the face chips, or None.
        contact_sheet: File for one picture of all faces, or None.
        allow_download: Whether addresses may be fetched.
        allow_private: Whether their redirects may lead to places that are not public.
        follow_links: Whether linked folders in folders are entered, each once.
        overwrite: Whether the contact sheet may replace a picture of another program.
        resume: JSON lines of an earlier run, whose files are skipped; None skips nothing.
        shard: The shard whose files are predicted, as in ``open_inputs``; by default all.
        limits: Upper bounds for each archive or Parquet file; ``max_pixels`` is that of
            ``PredictSettings``.
    """

    inputs: tuple[str, ...] = ()
    save_images: Path | None = None
    save_crops: Path | None = None
    contact_sheet: Path | None = None
    allow_download: bool = False
    allow_private: bool = False
    overwrite: bool = False
    follow_links: bool = True
    resume: Path | None = None
    shard: Shard = WHOLE
    limits: Limits = LIMITS

    def __post_init__(self) -> None:
        super().__post_init__()
        inputs: object = self.inputs
        if isinstance(inputs, str):
            raise ConfigError(f"inputs are a tuple of paths; write inputs=({self.inputs!r},)")
        paths_to_texts(self, "inputs")
        texts_to_paths(self, "save_images", "save_crops", "contact_sheet", "resume")
        shard: object = self.shard
        if not isinstance(shard, Shard):
            raise ConfigError(f"`shard` {shard!r}: use Shard.parse('0/8'), for example")


def predict(
    request: PredictRequest,
    reporter: Reporter | None = None,
    stdin: BinaryIO | None = None,
    *,
    on_unwritten: OnUnwritten | None = None,
) -> Generator[FaceRow, None, None]:
    """Predict age and gender of every face in the inputs, lazily and in their order.

    A file that cannot be read gives a row with the reason, and the next file follows. However the
    rows end (Ctrl-C, or ``close()``), the contact sheet of the faces so far is written. The input
    ``-`` reads ``stdin``. A copy, crop or sheet that cannot be written ends nothing: its error goes
    to ``on_unwritten``, by default as a warning to ``reporter``.

    Raises:
        UsageError: nothing to read, unknown weights, an unknown device, or an output that must not
            be replaced or that another process is writing.
        WeightsError: not a utkage weights file.
    """
    reporter = reporter or SilentReporter()
    inputs = opened_inputs(request, reporter, stdin)
    pictures = picture_writer(request, reporter, inputs, on_unwritten)
    with pictures:
        inputs = without_finished(inputs, request, reporter, pictures)
        predictor = open_predictor(request, reporter)
        pictures.contract = predictor.card.contract
        yield from picture_rows(inputs, request, predictor, reporter, pictures)


def opened_inputs(
    request: PredictRequest,
    reporter: Reporter,
    stdin: BinaryIO | None,
    *,
    videos: bool = False,
    outputs: Sequence[Path] = (),
) -> Inputs:
    """The inputs of a request; the rest as in ``open_inputs``. Reports what is skipped.

    Raises:
        UsageError: as ``open_inputs``.
    """
    return open_inputs(
        request.inputs,
        stdin=stdin,
        allow_download=request.allow_download,
        allow_private=request.allow_private,
        follow_links=request.follow_links,
        videos=videos,
        outputs=outputs,
        shard=request.shard,
        limits=request.limits,
        on_skipped=reporter.info,
    )


def picture_writer(
    request: PredictRequest,
    reporter: Reporter,
    inputs: Inputs,
    on_unwritten: OnUnwritten | None = None,
) -> PictureWriter:
    """What writes the copies, crops and contact sheet of a request; ``on_unwritten`` as above.

    Raises:
        UsageError: as ``PictureWriter``.
    """
    return PictureWriter(
        request.save_images,
        request.save_crops,
        request.contact_sheet,
        inputs=inputs.files,
        more_inputs=inputs.listed,
        overwrite=request.overwrite,
        on_unwritten=on_unwritten or warning_of_unwritten(reporter),
    )


def without_finished(
    inputs: Inputs, request: PredictRequest, reporter: Reporter, pictures: PictureWriter
) -> Inputs:
    """The inputs without the pictures that ``resume`` has rows of, whose copies are kept."""
    if request.resume is None:
        return inputs
    inputs = _remaining(inputs, request.resume, reporter)
    for row in finished_rows(request.resume, FaceRow):
        pictures.reserve(row)
    return inputs


def picture_rows(
    inputs: Inputs,
    request: PredictRequest,
    predictor: Predictor,
    reporter: Reporter,
    pictures: PictureWriter,
) -> Generator[FaceRow, None, None]:
    """Predict the pictures, and pass each on to ``pictures``."""
    photos = predictor.photos(
        inputs.pictures, keep_images=request.save_images is not None, ready=inputs.ready
    )
    with reporter.progress("predicting", inputs.total) as task, closing(photos):
        for photo in photos:
            rows = photo_rows(photo, request)
            pictures.add(photo, rows)
            yield from rows
            task.advance(1)


def require_own_shard(rows: Path, finished: Iterable[str], inputs: Inputs) -> None:
    """Refuse to resume the rows of another shard, as after a change of the number of shards.

    Raises:
        UsageError: names the file and the first input that is of another shard.
    """
    others = inputs.others
    foreign = None if others is None else next(filter(others.hold, finished), None)
    if foreign is not None:
        raise UsageError(
            f"{rows}: has rows of {foreign}, which belongs to another `shard`; name another file, "
            "or use the inputs and the number of shards that these rows began with"
        )


def _remaining(inputs: Inputs, rows: Path, reporter: Reporter) -> Inputs:
    check_rows_file(rows, resume=True)
    finished = finished_files(rows)
    count = finished.total()
    require_own_shard(rows, finished, inputs)
    reporter.info(resume_note(rows, count, "file"))
    total = None if inputs.total is None else max(0, inputs.total - count)
    return replace(inputs, pictures=_without(inputs.pictures, finished), total=total)


def _without(pictures: Iterator[PictureInput], finished: Counter[str]) -> Iterator[PictureInput]:
    """The pictures, without as many of each name as are finished."""
    for picture in pictures:
        name = normalize("NFC", picture.name)
        if finished[name] > 0:
            finished[name] -= 1
        else:
            yield picture
