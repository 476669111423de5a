"""Measure ``predict`` on photographs, and put what was found into docs/predict.md.

    python tools/write_predict_numbers.py --data both --aaf AAF.tar.gz --congress photos/congress

``canvas``: chips of the validation split, pasted into large textured pictures at random sizes and
angles, found, aligned and answered for again, against the answers for the chips themselves.
``photographs``: All-Age-Faces of the test split as they come (a look at it: note it in
docs/model-card.md), portraits of members of Congress, and pictures without a face.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from tools.docs.numbers import filled
from utkage import Predictor
from utkage.core.errors import UtkageError
from utkage.core.files import write_text
from utkage.data.chips import LabelledChips
from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.images.inputs import PictureInput, as_input
from utkage.images.resize import resize_square
from utkage.prediction.photos import Photo

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "predict.md"
CANVAS = (1200, 900)
SCALES = (0.5, 3.0)
DEGREES = 20.0
FACES = 500
# Edges of the rows of the table, as scales of the chip.
BANDS = ((0.5, 1.0), (1.0, 2.0), (2.0, 3.0))
BARE = ("brick", "grass", "gravel", "coins", "coffee", "rocket", "moon", "text", "page", "clock")
DRAWN = 10
DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Pasted:
    """A picture with one chip in it: where its middle lies, and how large it is, in chips."""

    picture: NDArray[np.uint8]
    middle: tuple[float, float]
    scale: float


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="prepared set of both sources")
    parser.add_argument("--aaf", type=Path, required=True, help="the archive of AAF photographs")
    parser.add_argument("--congress", type=Path, required=True, help="portraits with labels.csv")
    arguments = parser.parse_args()
    try:
        store, predictor = ChipStore.open(arguments.data), Predictor.shipped()
        text = PAGE.read_text(encoding="utf-8")
        text = filled(text, "canvas", canvases(store.split("val", "UTKFace"), predictor))
        text = filled(text, "photographs", photographs(arguments, store, predictor))
        write_text(PAGE, text)
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def canvases(faces: LabelledChips, predictor: Predictor) -> str:
    """Chips against the same chips in large pictures, by their size there."""
    random = np.random.default_rng(0)
    chosen = np.sort(random.choice(len(faces), min(FACES, len(faces)), replace=False))
    chips = [faces.pixels[row] for row in faces.rows[chosen]]
    ages, genders = faces.ages[chosen], faces.genders[chosen]
    alone = Predictor.shipped(crop="none")
    side = alone.card.contract.size
    direct = list(alone.photos([as_input(resize_square(chip, side)) for chip in chips]))
    pasted = [paste(chip, random) for chip in chips]
    found = list(predictor.photos(PictureInput("canvas", own.picture) for own in pasted))
    there = [_nearest(photo, own.middle) for photo, own in zip(found, pasted, strict=True)]
    scales = np.array([own.scale for own in pasted])
    seen = np.array([index is not None for index in there])
    rows = [
        "| size in the picture | faces | found | MAE of the chips, years | through the detector "
        "| gender of the chips | through the detector |",
        "|---|---|---|---|---|---|---|",
    ]
    first = np.array([[p.predictions.age[0], p.predictions.p_female[0]] for p in direct])
    second = np.full((len(chips), 2), np.nan)
    for row, (photo, index) in enumerate(zip(found, there, strict=True)):
        if index is not None:
            second[row] = photo.predictions.age[index], photo.predictions.p_female[index]
    bands = [
        (SCALES, "all"),
        *((band, f"{band[0]:g} to {band[1]:g} of the chip") for band in BANDS),
    ]
    for (low, high), words in bands:
        own = (scales >= low) & (scales <= high)
        both = own & seen
        mae = [np.abs(answers[both, 0] - ages[both]).mean() for answers in (first, second)]
        right = [((answers[both, 1] >= 0.5) == genders[both]).mean() for answers in (first, second)]
        rows.append(
            f"| {words} | {own.sum()} | {both.sum()} | {mae[0]:.2f} | {mae[1]:.2f} "
            f"| {right[0]:.1%} | {right[1]:.1%} |"
        )
    return "\n".join(
        [
            *rows,
            "",
            f"{len(chips)} chips drawn from the validation split of UTKFace `200 x 200`, pasted at "
            f"{SCALES[0]:g} to {SCALES[1]:g} of their size and turned by up to {DEGREES:g} degrees "
            f"into textures of {CANVAS[0]} x {CANVAS[1]} pixels; errors over the faces that were "
            f"found, shipped weights; `tools/write_predict_numbers.py`, {datetime.date.today()}.",
        ]
    )


def paste(chip: NDArray[np.uint8], random: np.random.Generator) -> Pasted:
    """A chip at a random place, size and angle over a blurred texture."""
    width, height = CANVAS
    scale = math.exp(random.uniform(*np.log(SCALES)))
    angle = math.radians(random.uniform(-DEGREES, DEGREES))
    noise = random.normal(size=(height // 8, width // 8, 3)) * random.uniform(5, 40)
    rough = cv2.resize(noise, CANVAS) + random.uniform(40, 210, 3)
    canvas = np.clip(rough, 0, 255).astype(np.uint8)
    # What is shrunk is averaged first: warpAffine sees single pixels only.
    side = len(chip)
    small = resize_square(chip, min(side, round(side * scale)))
    reach = side * scale * 0.75
    middle = np.array([random.uniform(reach, end - reach) for end in CANVAS])
    cosine, sine = (part * side * scale / len(small) for part in (math.cos(angle), math.sin(angle)))
    linear = np.array([[cosine, -sine], [sine, cosine]])
    # Pixel centres of warpAffine lie at whole numbers.
    shift = middle - linear @ np.full(2, (len(small) - 1) / 2)
    cv2.warpAffine(
        small,
        np.column_stack([linear, shift]),
        CANVAS,
        dst=canvas,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    return Pasted(canvas, (float(middle[0]), float(middle[1])), scale)


def _nearest(photo: Photo, middle: tuple[float, float]) -> int | None:
    """Index of the face whose box holds a point, or None."""
    x, y = middle
    for index, face in enumerate(photo.faces):
        x0, y0, x1, y1 = face.box
        if x0 <= x <= x1 and y0 <= y <= y1:
            return index
    return None


def photographs(arguments: argparse.Namespace, store: ChipStore, predictor: Predictor) -> str:
    """One line a collection."""
    lines = [
        "| photographs | n | a face found | one face found | gender right | age |",
        "|---|---|---|---|---|---|",
        _aaf_line(arguments.aaf, store, predictor),
        _congress_line(arguments.congress, predictor),
    ]
    bare = list(_bare_pictures())
    alarms = sum(len(photo.faces) for photo in predictor.photos(map(as_input, bare)))
    lines += [
        "",
        f"In {len(bare)} pictures without a face ({len(BARE)} of scikit-image, {DRAWN} drawn) "
        f"{alarms} were found. Shipped weights, flip averaging; where several faces were found, "
        f"the largest counts; `tools/write_predict_numbers.py`, {datetime.date.today()}.",
    ]
    return "\n".join(lines)


def _aaf_line(archive: Path, store: ChipStore, predictor: Predictor) -> str:
    wanted = set(store.split("test", "AAF").names)
    entries = [
        entry
        for entry in open_source(archive).entries()
        if entry.name in wanted and entry.label is not None
    ]
    photos = list(predictor.photos(PictureInput(own.name, own.content) for own in entries))
    labels = [(own.label.age, own.label.gender) for own in entries if own.label is not None]
    ages, genders = (np.array(values) for values in zip(*labels, strict=True))
    return _line("AAF, test split", photos, ages, genders, "MAE")


def _congress_line(folder: Path, predictor: Predictor) -> str:
    with (folder / "labels.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    photos = list(predictor.photos(as_input(folder / row["file"]) for row in rows))
    genders = np.array([row["gender"] == "female" for row in rows])
    ages = np.array([_age_in_service(row) for row in rows])
    words = "members of Congress (age in the middle of their service, a weak label)"
    return _line(words, photos, ages, genders, "median error")


def _age_in_service(row: dict[str, str]) -> float:
    born, began = (datetime.date.fromisoformat(row[k]) for k in ("birthday", "first_term_start"))
    middle = began + (datetime.date.today() - began) / 2
    return (middle - born).days / DAYS_A_YEAR


def _line(words: str, photos: Sequence[Photo], ages: Any, genders: Any, measure: str) -> str:
    seen = np.array([len(photo.faces) > 0 for photo in photos])
    single = np.array([len(photo.faces) == 1 for photo in photos])
    age = np.array([p.predictions.age[0] if p.faces else np.nan for p in photos])
    female = np.array([p.predictions.p_female[0] if p.faces else np.nan for p in photos]) >= 0.5
    errors = np.abs(age - ages)[seen]
    found = np.median(errors) if measure.startswith("median") else errors.mean()
    right = (female == genders)[seen].mean()
    return (
        f"| {words} | {len(photos)} | {seen.mean():.1%} | {single.mean():.1%} | {right:.1%} "
        f"| {measure} {found:.2f} years |"
    )


def _bare_pictures() -> Iterator[NDArray[np.uint8]]:
    for name in BARE:
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


if __name__ == "__main__":
    sys.exit(main())
