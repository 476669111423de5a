"""What one worker does: predict all pictures of a part, and write their rows in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from utkage.cluster.attempts import Attempts
from utkage.cluster.job_folder import JobFolder
from utkage.cluster.part_pictures import Permissions, part_pictures
from utkage.cluster.parts import TAR, Part
from utkage.core.errors import DataError, UtkageError
from utkage.core.files import replacing
from utkage.images.picture_input import PictureInput
from utkage.prediction.parquet_rows import parquet_rows
from utkage.prediction.predictor import Predictor, PredictSettings
from utkage.prediction.rows import FaceRow, photo_rows

RETRIES = 2
"""How often a picture is tried again after the end of the worker that predicted it alone."""


@dataclass(frozen=True, kw_only=True)
class WorkerJob:
    """What every worker of a job receives.

    Attributes:
        folder: The output folder.
        settings: Settings of the predictor; ``workers`` are the threads of one worker.
        allowed: What may be read.
        reason_text: Changes the reasons of failed rows, such as the names of settings in them.
    """

    folder: Path
    settings: PredictSettings
    allowed: Permissions = field(default_factory=Permissions)
    reason_text: Callable[[str], str] = str


@dataclass(frozen=True, kw_only=True)
class PartResult:
    """What became of a part.

    Attributes:
        part: Its number.
        pictures: Pictures whose rows were written.
        error: Why it could not be finished, or None.
    """

    part: int
    pictures: int = 0
    error: str | None = None


@dataclass(frozen=True)
class PictureRows:
    """All rows of one picture: one per face, or one without.

    Attributes:
        index: Number of the picture in its part, from 0. It identifies the picture, whatever its
            name is.
        rows: Its rows.
    """

    index: int
    rows: list[FaceRow]


class PartPredictor:
    """Predicts parts with detector and weights that are loaded once."""

    def __init__(self, job: WorkerJob) -> None:
        self._job = job
        self._folder = JobFolder(job.folder)
        self._predictor = Predictor(job.settings)

    def predict(self, part: Part) -> PartResult:
        """Predict a part, unless its rows are there already; errors are in the result."""
        try:
            if self._folder.is_finished(part.number):
                return PartResult(part=part.number)
            return PartResult(part=part.number, pictures=self._write(part))
        except UtkageError as error:
            return PartResult(part=part.number, error=f"part {part.number}: {error}")
        # An error of a worker would end the job with a traceback of Ray.
        except Exception as error:
            reason = " ".join(str(error).split())
            problem = f"part {part.number}: {type(error).__name__}: {reason}"
            return PartResult(part=part.number, error=problem)

    def _write(self, part: Part) -> int:
        path = self._folder.rows_file(part.number)
        count = 0
        attempts = Attempts(self._folder.attempts_file(part.number))
        with attempts, replacing(path) as unfinished, parquet_rows(unfinished, FaceRow) as write:
            for picture in self._predicted(part, attempts):
                if picture.index != count:
                    raise DataError(f"{part.name}: picture {count} of part {part.number} is lost")
                for row in picture.rows:
                    write(self._with_reason(row))
                count += 1
            if part.count not in (None, count):
                raise DataError(f"{part.name}: part {part.number} has {count} pictures")
        return count

    def _predicted(self, part: Part, attempts: Attempts) -> Iterator[PictureRows]:
        pictures = self._pictures(part)
        if attempts.ended:
            yield from self._one_by_one(pictures, attempts)
            return
        with closing(self._predictor.photos(pictures)) as photos:
            for index, photo in enumerate(photos):
                yield PictureRows(index, photo_rows(photo, self._job.settings))

    def _one_by_one(
        self, pictures: Iterator[PictureInput], attempts: Attempts
    ) -> Iterator[PictureRows]:
        for index, picture in enumerate(pictures):
            ended = attempts.ended_at(index)
            if ended > RETRIES:
                reason = f"{picture.name}: ended {ended} workers that predicted it; leave it out"
                yield PictureRows(index, [FaceRow(picture.name, "failed", reason)])
                continue
            attempts.note(index)
            (photo,) = self._predictor.photos([picture])
            yield PictureRows(index, photo_rows(photo, self._job.settings))

    def _pictures(self, part: Part) -> Iterator[PictureInput]:
        try:
            yield from part_pictures(part, self._job.allowed)
        except DataError as error:
            if part.kind != TAR:
                raise
            # Of a damaged archive, the pictures before the damage have their rows.
            yield PictureInput(part.name, b"", problem=str(error))

    def _with_reason(self, row: FaceRow) -> FaceRow:
        if row.reason is None:
            return row
        return replace(row, reason=self._job.reason_text(row.reason))
