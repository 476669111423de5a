"""``predict`` on photographs, with and without faces."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import skimage.data
import typer
from numpy.typing import NDArray

from tools.documents import Block, markdown
from tools.report.evaluation import Data
from utkage import Predictor
from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.images.objects import as_input
from utkage.images.picture_input import PictureInput
from utkage.prediction.photos import Photo

WITHOUT_FACES = (
    *("brick", "grass", "gravel", "coins", "coffee"),
    *("rocket", "moon", "text", "page", "clock"),
)
DRAWN = 10
DAYS_PER_YEAR = 365.25

Floats = NDArray[np.float64]


def measure_photographs(
    data: Data,
    aaf: Annotated[Path, typer.Option(help="archive of AAF photographs")],
    congress: Annotated[Path, typer.Option(help="portraits with labels.csv")],
) -> list[Block]:
    """Predict for photographs of the AAF test split, of members of Congress, and without faces."""
    predictor = Predictor.shipped()
    rows = [
        _aaf_row(aaf, ChipStore.open(data), predictor),
        _congress_row(congress, predictor),
    ]
    without = list(pictures_without_faces())
    alarms = sum(len(photo.faces) for photo in predictor.photos(map(as_input, without)))
    columns = ("photographs", "n", "a face found", "one face found", "gender right", "age")
    origin = (
        f"In {len(without)} pictures without a face ({len(WITHOUT_FACES)} of scikit-image, {DRAWN} "
        f"drawn) {alarms} were found. Shipped weights, flip averaging; where several faces were "
        "found, the largest counts"
    )
    return [Block("predict.md", "photographs", markdown(columns, rows), origin)]


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
    predictions = np.array([_age_and_gender(photo) for photo in photos])
    errors = np.abs(predictions[:, 0] - ages)[found]
    right = ((predictions[:, 1] >= 0.5) == genders)[found].mean()
    single = (counts == 1).mean()
    return errors, str(len(photos)), f"{found.mean():.1%}", f"{single:.1%}", f"{right:.1%}"


def _age_and_gender(photo: Photo) -> tuple[float, float]:
    """Age and P(female) of the largest face of a photograph; NaN if there is none."""
    if not photo.faces:
        return np.nan, np.nan
    return float(photo.predictions.age[0]), float(photo.predictions.p_female[0])


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
            cv2.ellipse(canvas, (x, y), (a // 8 + 3, b // 8 + 3), a % 180, 0, 360, colour, -1)
            cv2.line(canvas, (a, b), (x, y), colour, 1 + a % 6)
        yield canvas
