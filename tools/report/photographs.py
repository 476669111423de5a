"""``predict`` on photographs, and on validation chips pasted into large pictures."""

from __future__ import annotations

import argparse
import csv
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from tools.documents import Block, markdown
from tools.report.evaluation import add_data_option
from tools.report.page import ReportPage
from tools.report.pasting import holds, paste, placement, random_scale
from utkage import Predictor
from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.images.inputs import PictureInput, as_input
from utkage.images.resize import resize_square
from utkage.prediction.photos import Photo

CANVAS = (1200, 900)
SCALES = (0.5, 3.0)
DEGREES = 20.0
FACES = 500
# Rows of the table of pasted chips: range of their scale, label.
BANDS = (
    (SCALES, "all"),
    ((0.5, 1.0), "0.5 to 1 of the chip"),
    ((1.0, 2.0), "1 to 2 of the chip"),
    ((2.0, 3.0), "2 to 3 of the chip"),
)
WITHOUT_FACES = (
    *("brick", "grass", "gravel", "coins", "coffee"),
    *("rocket", "moon", "text", "page", "clock"),
)
DRAWN = 10
DAYS_PER_YEAR = 365.25

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pasted:
    """A picture with one chip in it.

    Attributes:
        picture: uint8 RGB, (height, width, 3).
        middle: Where the middle of the chip lies, (x, y) in pixels.
        scale: Size of the chip in the picture, in chips.
    """

    picture: NDArray[np.uint8]
    middle: tuple[float, float]
    scale: float


def measure_canvas(options: argparse.Namespace) -> dict[str, Block]:
    """Predict for chips, and for the same chips found in large pictures."""
    faces = ChipStore.open(options.data).split("val", "UTKFace")
    random = np.random.default_rng(0)
    count = min(options.count, len(faces))
    chosen = np.sort(random.choice(len(faces), count, replace=False))
    chips = [faces.pixels[row] for row in faces.rows[chosen]]
    ages, genders = faces.ages[chosen], faces.genders[chosen]
    alone = Predictor.shipped(crop="none")
    size = alone.card.contract.size
    direct = [
        _prediction(photo, 0)
        for photo in alone.photos(as_input(resize_square(chip, size)) for chip in chips)
    ]
    pasted = [paste_at_random(chip, random) for chip in chips]
    photos = Predictor.shipped().photos(PictureInput("canvas", own.picture) for own in pasted)
    detected = [
        _prediction(photo, _face_at(photo, own)) for photo, own in zip(photos, pasted, strict=True)
    ]
    predictions = (np.array(direct), np.array(detected))
    scales = np.array([own.scale for own in pasted])
    found = ~np.isnan(predictions[1][:, 0])
    rows = []
    for (low, high), label in BANDS:
        own = (scales >= low) & (scales <= high)
        both = own & found
        errors = [f"{np.abs(p[both, 0] - ages[both]).mean():.2f}" for p in predictions]
        right = [f"{((p[both, 1] >= 0.5) == genders[both]).mean():.1%}" for p in predictions]
        rows.append((label, str(own.sum()), str(both.sum()), *errors, *right))
    columns = (
        *("size in the picture", "faces", "found"),
        *("MAE of the chips, years", "through the detector"),
        *("gender of the chips", "through the detector"),
    )
    origin = (
        f"{count} chips drawn from the validation split of UTKFace, pasted at {SCALES[0]:g} to "
        f"{SCALES[1]:g} of their size and rotated by up to {DEGREES:g} degrees into textures of "
        f"{CANVAS[0]} x {CANVAS[1]} pixels; errors over the faces that were found, shipped weights"
    )
    return {"canvas": Block(markdown(columns, rows), origin)}


def paste_at_random(chip: NDArray[np.uint8], random: np.random.Generator) -> Pasted:
    """A chip at a random place, size and angle over a blurred texture."""
    width, height = CANVAS
    scale = random_scale(*SCALES, random)
    degrees = random.uniform(-DEGREES, DEGREES)
    noise = random.normal(size=(height // 8, width // 8, 3)) * random.uniform(5, 40)
    rough = cv2.resize(noise, CANVAS) + random.uniform(40, 210, 3)
    canvas = np.clip(rough, 0, 255).astype(np.uint8)
    reach = len(chip) * scale * 0.75
    middle = np.array([random.uniform(reach, end - reach) for end in CANVAS])
    picture = paste(chip, placement(len(chip), scale, degrees, middle), canvas)
    return Pasted(picture, (float(middle[0]), float(middle[1])), scale)


def _face_at(photo: Photo, pasted: Pasted) -> int | None:
    """Index of the face whose box contains the middle of the chip, or None."""
    boxes = (index for index, face in enumerate(photo.faces) if holds(face.box, pasted.middle))
    return next(boxes, None)


def _prediction(photo: Photo, index: int | None) -> tuple[float, float]:
    """Age and P(female) of one face of a photograph; NaN if there is none."""
    if index is None or index >= len(photo.faces):
        return np.nan, np.nan
    return float(photo.predictions.age[index]), float(photo.predictions.p_female[index])


def measure_photographs(options: argparse.Namespace) -> dict[str, Block]:
    """Predict for All-Age-Faces of the test split, for members of Congress, and without faces."""
    predictor = Predictor.shipped()
    rows = [
        _aaf_row(options.aaf, ChipStore.open(options.data), predictor),
        _congress_row(options.congress, predictor),
    ]
    without = list(pictures_without_faces())
    alarms = sum(len(photo.faces) for photo in predictor.photos(map(as_input, without)))
    columns = ("photographs", "n", "a face found", "one face found", "gender right", "age")
    origin = (
        f"In {len(without)} pictures without a face ({len(WITHOUT_FACES)} of scikit-image, {DRAWN} "
        f"drawn) {alarms} were found. Shipped weights, flip averaging; where several faces were "
        "found, the largest counts"
    )
    return {"photographs": Block(markdown(columns, rows), origin)}


def _aaf_row(archive: Path, store: ChipStore, predictor: Predictor) -> tuple[str, ...]:
    wanted = set(store.split("test", "AAF").names)
    entries = [entry for entry in open_source(archive).entries() if entry.name in wanted]
    photos = list(predictor.photos(PictureInput(own.name, own.content) for own in entries))
    labels = [entry.label for entry in entries]
    ages = np.array([label.age if label else np.nan for label in labels])
    genders = np.array([label.gender if label else np.nan for label in labels])
    errors, *cells = _row(photos, ages, genders)
    return ("AAF, test split", *cells, f"MAE {np.mean(errors):.2f} years")


def _congress_row(folder: Path, predictor: Predictor) -> tuple[str, ...]:
    with (folder / "labels.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    photos = list(predictor.photos(as_input(folder / row["file"]) for row in rows))
    genders = np.array([row["gender"] == "female" for row in rows])
    errors, *cells = _row(photos, np.array([_age_in_service(row) for row in rows]), genders)
    name = "members of Congress (age in the middle of their service, a weak label)"
    return (name, *cells, f"median error {np.median(errors):.2f} years")


def _age_in_service(row: dict[str, str]) -> float:
    born, began = (datetime.date.fromisoformat(row[k]) for k in ("birthday", "first_term_start"))
    middle = began + (datetime.date.today() - began) / 2
    return (middle - born).days / DAYS_PER_YEAR


def _row(
    photos: Sequence[Photo], ages: Floats, genders: NDArray[np.generic]
) -> tuple[Floats, str, str, str, str]:
    """Age errors of the photographs with a face, and the cells before the age."""
    counts = np.array([len(photo.faces) for photo in photos])
    found = counts > 0
    predictions = np.array([_prediction(photo, 0) for photo in photos])
    errors = np.abs(predictions[:, 0] - ages)[found]
    right = ((predictions[:, 1] >= 0.5) == genders)[found].mean()
    single = (counts == 1).mean()
    return errors, str(len(photos)), f"{found.mean():.1%}", f"{single:.1%}", f"{right:.1%}"


def pictures_without_faces() -> Iterator[NDArray[np.uint8]]:
    """Pictures of scikit-image, and drawn ones, uint8 RGB."""
    for name in WITHOUT_FACES:
        picture = np.asarray(getattr(skimage.data, name)())
        if picture.ndim == 2:
            picture = np.repeat(picture[..., None], 3, axis=2)
        yield np.ascontiguousarray(picture[..., :3]).astype(np.uint8)
    random = np.random.default_rng(0)
    for _ in range(DRAWN):
        canvas = np.full((600, 800, 3), random.integers(0, 256, 3), dtype=np.uint8)
        for _ in range(40):
            colour = [int(value) for value in random.integers(0, 256, 3)]
            x, y, a, b = (int(value) for value in random.integers(0, 800, 4))
            axes = (a // 8 + 3, b // 8 + 3)
            cv2.ellipse(canvas, (x, y), axes, a % 180, 0, 360, colour, -1)
            cv2.line(canvas, (a, b), (x, y), colour, 1 + a % 6)
        yield canvas


def _add_canvas_options(parser: argparse.ArgumentParser) -> None:
    add_data_option(parser)
    parser.add_argument("--count", type=int, default=FACES, help="number of chips")


def _add_photograph_options(parser: argparse.ArgumentParser) -> None:
    add_data_option(parser)
    parser.add_argument("--aaf", type=Path, required=True, help="archive of AAF photographs")
    parser.add_argument("--congress", type=Path, required=True, help="portraits with labels.csv")


PAGES = (
    ReportPage(
        name="photographs",
        summary="predict for the photographs of the AAF test split and of members of Congress",
        document="predict.md",
        add_options=_add_photograph_options,
        measure=measure_photographs,
    ),
    ReportPage(
        name="canvas",
        summary="predict for validation chips pasted into large pictures",
        document="predict.md",
        add_options=_add_canvas_options,
        measure=measure_canvas,
    ),
)
