"""``predict``: from photographs to one row a face."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError, UsageError
from utkage.core.files import require_folder
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.labels import GENDERS, RANGE_NAMES
from utkage.images.discover import expand_inputs
from utkage.models.locate import resolve_weights

if TYPE_CHECKING:
    from utkage.engines.inference.photos import Photo

CROPS = ("auto", "none")


@dataclass(frozen=True)
class PredictRequest:
    """What to answer for, and how.

    Attributes:
        inputs: Files, folders (searched recursively) and glob patterns.
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``--device``.
        engine: ``"onnx"``, ``"torch"`` or ``"auto"``, as in ``load_predictor``.
        crop: ``"auto"`` finds and aligns faces, ``"none"`` takes pictures that are chips already.
        flip: Average each answer with that for the mirrored chip.
        interval: Level of the age interval, 0..1.
        max_faces: Keep only this many faces of a photograph, the largest.
        save_images: Folder for annotated copies, or None.
        workers: Threads for decoding and detection.
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

    def __post_init__(self) -> None:
        inputs: object = self.inputs
        if isinstance(inputs, str):
            raise ConfigError(f"inputs are a tuple of paths; write inputs=({self.inputs!r},)")
        if self.workers < 1:
            raise ConfigError(f"workers {self.workers} must be at least 1")
        if self.crop not in CROPS:
            raise ConfigError(f"--crop {self.crop}: choose one of {', '.join(CROPS)}")
        if not 0 < self.interval < 1:
            raise ConfigError(f"interval level {self.interval} must lie between 0 and 1")
        if self.max_faces is not None and self.max_faces < 1:
            raise ConfigError(f"max faces {self.max_faces} must be at least 1")


@dataclass(frozen=True)
class FaceRow:
    """One face, or one file without any: the documented row of ``--json`` and ``--csv``.

    Attributes:
        file: The path as given.
        status: ``"ok"``, ``"no_face"`` or ``"failed"``; the fields below are None unless ok.
        reason: Why the file failed.
        face: Number of the face in its file, from 1, largest first.
        box: x0, y0, x1, y1 in pixels of the upright picture.
        score: Confidence of the detector, 0..1; None with ``crop="none"``.
        age: Years.
        age_low: Lower end of the age interval.
        age_high: Upper end.
        range: Name of the most probable age range.
        range_probability: Its probability.
        gender: ``"female"`` or ``"male"``.
        p_female: Probability of female.
    """

    file: str
    status: str
    reason: str | None = None
    face: int | None = None
    box: tuple[float, float, float, float] | None = None
    score: float | None = None
    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    range: str | None = None
    range_probability: float | None = None
    gender: str | None = None
    p_female: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, in the documented order."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }


ROW_FIELDS = tuple(FaceRow.__dataclass_fields__)


def predict(request: PredictRequest, reporter: Reporter | None = None) -> Iterator[FaceRow]:
    """Answer for every face in the inputs, lazily and in their order.

    A file that cannot be read gives a row that says why; the rest goes on.

    Raises:
        UsageError: nothing to read, unknown weights, or an unknown device.
        WeightsError: the weights are not ours.
    """
    reporter = reporter or SilentReporter()
    if request.save_images is not None:
        require_folder(request.save_images, "--save-images")
    files = expand_inputs(request.inputs)
    if not files:
        raise UsageError("no picture given; name files, folders or patterns")
    taken: set[Path] = set()
    for photo in _photos(files, request, reporter):
        rows = photo_rows(photo, request.interval)
        if request.save_images is not None and photo.image is not None:
            _save_annotated(photo, rows, _free_name(request.save_images, photo.file, taken))
        yield from rows


def _photos(files: list[Path], request: PredictRequest, reporter: Reporter) -> Iterator[Photo]:
    from utkage.engines.inference.loading import load_predictor
    from utkage.engines.inference.photos import predict_photos
    from utkage.faces.retinaface import RetinaFaceDetector

    weights, origin = resolve_weights(request.weights)
    predictor = load_predictor(
        weights, device=request.device, flip=request.flip, engine=request.engine
    )
    reporter.info(f"weights {weights} ({origin}), engine {predictor.engine}")
    # One thread a session: photographs are worked on side by side instead.
    detector = RetinaFaceDetector(threads=1) if request.crop == "auto" else None
    with reporter.progress("predicting", len(files)) as task:
        for photo in predict_photos(
            files,
            predictor,
            detector,
            workers=request.workers,
            max_faces=request.max_faces,
            keep_images=request.save_images is not None,
        ):
            yield photo
            task.advance(1)


def photo_rows(photo: Photo, interval: float) -> list[FaceRow]:
    """The rows of one photograph: one a face, or one that says why there is none."""
    if not photo.faces:
        return [FaceRow(file=str(photo.file), status=photo.status, reason=photo.reason)]
    answers = photo.predictions
    low, high = answers.age_interval(interval)
    return [
        FaceRow(
            file=str(photo.file),
            status=photo.status,
            face=index + 1,
            box=_rounded_box(face.box),
            score=None if face.score is None else round(face.score, 4),
            age=round(float(answers.age[index]), 2),
            age_low=round(float(low[index]), 2),
            age_high=round(float(high[index]), 2),
            range=RANGE_NAMES[answers.range_index[index]],
            range_probability=round(float(answers.range_probabilities[index].max()), 4),
            gender=GENDERS[answers.gender[index]],
            p_female=round(float(answers.p_female[index]), 4),
        )
        for index, face in enumerate(photo.faces)
    ]


def _rounded_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (round(float(value), 1) for value in box)
    return x0, y0, x1, y1


def _save_annotated(photo: Photo, rows: list[FaceRow], path: Path) -> None:
    from utkage.images.draw import Annotation, annotate
    from utkage.images.save import save_image

    assert photo.image is not None
    marks = []
    for row in rows:
        if row.box is None or row.age is None or row.p_female is None:
            continue
        certainty = max(row.p_female, 1 - row.p_female)
        marks.append(
            Annotation(
                row.box,
                (
                    f"{row.age:.0f} ({row.age_low:.0f}-{row.age_high:.0f})",
                    f"{row.gender} {certainty:.0%}",
                ),
            )
        )
    save_image(path, annotate(photo.image, marks))


def _free_name(folder: Path, file: Path, taken: set[Path]) -> Path:
    """Where the annotated copy goes; files of one name do not overwrite each other."""
    parent = "" if file.parent in (Path(), Path()) else f"{file.parent.name}_"
    stem, number = f"{parent.strip('.')}{file.stem}", 1
    path = folder / f"{stem}.annotated.jpg"
    while path in taken:
        number += 1
        path = folder / f"{stem}-{number}.annotated.jpg"
    taken.add(path)
    return path
