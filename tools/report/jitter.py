"""How crops of detected faces differ from the labelled chips that models are trained on.

Chips are pasted into black pictures at random sizes, angles and places, detected again, and aligned
as ``utkage predict`` aligns them. The rotation, scale and shift of each crop against its chip are
the numbers behind ``utkage.data.augment.geometry.DETECTION_JITTER``.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tools.documents import Block, markdown
from tools.report.evaluation import add_data_option
from tools.report.page import ReportPage
from tools.report.pasting import holds, paste, placement, random_scale
from utkage.core.errors import ImageError
from utkage.data.augment.config import AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.data.store import ChipStore
from utkage.faces.alignment import similarity_transform
from utkage.faces.contract import CropContract
from utkage.faces.detector import Detector
from utkage.faces.retinaface import RetinaFaceDetector

CANVAS = 640
# Size of the pasted chip in pixels: faces of 25 to 220 pixels.
SIZES = (60.0, 400.0)
DEGREES = 15.0
QUANTITIES = ("rotation, degrees", "logarithm of the scale", "shift x, of size", "shift y, of size")
# Makes the median absolute deviation comparable to a standard deviation.
MAD_TO_SD = 1.4826


def add_options(parser: argparse.ArgumentParser) -> None:
    """The faces and the detector's threads."""
    add_data_option(parser)
    parser.add_argument("--split", default="val", help="default: %(default)s")
    parser.add_argument("--count", type=int, default=800, help="faces per source")
    parser.add_argument("--seed", type=int, default=0, help="seed of faces and places")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the detector")


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Measure each source of the split."""
    store = ChipStore.open(options.data)
    detector = RetinaFaceDetector(options.threads)
    parts, found = [], []
    for source in store.split(options.split).source_names:
        faces = store.split(options.split, source)
        random = np.random.default_rng(options.seed)
        chosen = random.permutation(len(faces))[: options.count]
        names = tuple(faces.names[index] for index in chosen)
        drawn = replace(faces, rows=faces.rows[chosen], names=names)
        rows = displacements(drawn, detector, random)
        known = rows[~np.isnan(rows[:, 0])]
        found.append(f"{len(known)} of {len(rows)} faces of {source}")
        if len(known):
            parts.append(f"{source}:\n\n{_table(known)}")
    origin = (
        f"Split {options.split} of `{store.split_hash}`, seed {options.seed}; found: "
        f"{', '.join(found)}"
    )
    return {"jitter": Block("\n\n".join(parts), origin)}


def random_placement(size: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A random placement of a chip of ``size`` pixels near the middle of the canvas, (2, 3)."""
    scale = random_scale(*SIZES, random) / size
    degrees = random.uniform(-DEGREES, DEGREES)
    return placement(size, scale, degrees, random.uniform(0.45, 0.55, 2) * CANVAS)


def on_canvas(chip: NDArray[np.uint8], placed: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A black picture with the chip in it."""
    return paste(chip, placed, np.zeros((CANVAS, CANVAS, 3), dtype=np.uint8))


def displacement(
    detector: Detector,
    chip: NDArray[np.uint8],
    placed: NDArray[np.float64],
    contract: CropContract,
) -> NDArray[np.float64] | None:
    """Rotation, scale and shift of the crop of a pasted chip, (4,); None if it is not found.

    Degrees, natural logarithm, and fractions of the chip's size.
    """
    middle = np.full(2, contract.size / 2)
    point = placed[:, :2] @ middle + placed[:, 2]
    for face in detector.detect(on_canvas(chip, placed)):
        if not holds(face.box, point):
            continue
        try:
            to_crop = similarity_transform(face.landmarks, contract.template)
        except ImageError:
            continue
        linear = to_crop[:, :2] @ placed[:, :2]
        moved = to_crop[:, :2] @ point + to_crop[:, 2] - middle
        angle = math.degrees(math.atan2(linear[1, 0], linear[0, 0]))
        log_scale = 0.5 * math.log(np.linalg.det(linear))
        return np.array([angle, log_scale, *(moved / contract.size)])
    return None


def displacements(
    faces: LabelledChips, detector: Detector, random: np.random.Generator
) -> NDArray[np.float64]:
    """One row for each face, NaN where it was not found, (n, 4)."""
    rows = np.full((len(faces), 4), np.nan)
    for index, row in enumerate(faces.rows):
        placed = random_placement(faces.contract.size, random)
        found = displacement(detector, faces.pixels[row], placed, faces.contract)
        if found is not None:
            rows[index] = found
    return rows


def _table(found: NDArray[np.float64]) -> str:
    config = AugmentConfig()
    ranges = (config.rotation, math.log1p(config.scale), config.shift, config.shift)
    rows = []
    for name, column, largest in zip(QUANTITIES, found.T, ranges, strict=True):
        robust = MAD_TO_SD * np.median(np.abs(column - np.median(column)))
        numbers = (column.mean(), column.std(), robust, *np.percentile(np.abs(column), (95, 99)))
        inside = f"{np.mean(np.abs(column) <= largest):.1%} (±{largest:.3f})"
        rows.append((name, *(f"{number:.4f}" for number in numbers), inside))
    columns = ("", "mean", "standard deviation", "robust", "95 % within", "99 % within")
    return markdown((*columns, "inside of the default affine map"), rows)


PAGE = ReportPage(
    name="jitter",
    summary="measure how crops of detected faces differ from labelled chips",
    document="",
    add_options=add_options,
    measure=measure,
)
