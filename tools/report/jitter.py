"""Measure how the crops of detected faces differ from the labelled chips that models learn from.

Pastes chips of a prepared set into black pictures at random sizes, angles and places, finds them
again with the detector, aligns them as ``utkage predict`` does, and prints how far each crop is
turned, scaled and shifted against its chip: the numbers behind
``utkage.data.augment.geometry.DETECTION_JITTER``.

    python tools/measure_jitter.py prepared --count 800
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.data.augment.config import AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.data.store import ChipStore
from utkage.faces.alignment import similarity_transform
from utkage.faces.contract import CropContract
from utkage.faces.detector import Detector
from utkage.faces.retinaface import RetinaFaceDetector

CANVAS = 640
# Sides of the pasted chip in pixels, log-uniform: faces of 25 to 220 pixels.
SIDES = (60.0, 400.0)
DEGREES = 15.0
QUANTITIES = ("rotation, degrees", "log scale", "shift x, of side", "shift y, of side")


def pasting(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A random similarity from a chip of ``side`` pixels into the canvas, (2, 3)."""
    scale = math.exp(random.uniform(*np.log(SIDES))) / side
    angle = math.radians(random.uniform(-DEGREES, DEGREES))
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    linear = np.array([[cosine, -sine], [sine, cosine]])
    middle = random.uniform(0.45, 0.55, 2) * CANVAS
    return np.column_stack([linear, middle - linear @ np.full(2, side / 2)])


def paste(chip: NDArray[np.uint8], placed: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The canvas with the chip in it."""
    import cv2

    # warpAffine has pixel centres at whole numbers, and sees every second pixel when it shrinks.
    scale = math.sqrt(abs(np.linalg.det(placed[:, :2])))
    side = max(1, min(len(chip), round(len(chip) * scale)))
    small = cv2.resize(chip, (side, side), interpolation=cv2.INTER_AREA)
    linear = placed[:, :2] * (len(chip) / side)
    shift = placed[:, 2] + linear @ np.full(2, 0.5) - 0.5
    canvas = cv2.warpAffine(small, np.column_stack([linear, shift]), (CANVAS, CANVAS))
    return np.asarray(canvas, dtype=np.uint8)


def displacement(
    detector: Detector,
    chip: NDArray[np.uint8],
    placed: NDArray[np.float64],
    contract: CropContract,
) -> NDArray[np.float64] | None:
    """What the crop of the pasted chip is turned, scaled and shifted by, (4,); None if not found.

    Degrees, natural logarithm, and fractions of the side.
    """
    middle = np.full(2, contract.size / 2)
    x, y = placed[:, :2] @ middle + placed[:, 2]
    for face in detector.detect(paste(chip, placed)):
        x0, y0, x1, y1 = face.box
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            continue
        try:
            to_crop = similarity_transform(face.landmarks, contract.template)
        except ImageError:
            continue
        linear = to_crop[:, :2] @ placed[:, :2]
        moved = to_crop[:, :2] @ np.array([x, y]) + to_crop[:, 2] - middle
        angle = math.degrees(math.atan2(linear[1, 0], linear[0, 0]))
        log_scale = 0.5 * math.log(np.linalg.det(linear))
        return np.array([angle, log_scale, *(moved / contract.size)])
    return None


def measure(
    faces: LabelledChips, detector: Detector, random: np.random.Generator
) -> NDArray[np.float64]:
    """One row of displacements for each face that was found, NaN for the others, (n, 4)."""
    rows = np.full((len(faces), 4), np.nan)
    for index, row in enumerate(faces.rows):
        placed = pasting(faces.contract.size, random)
        found = displacement(detector, faces.pixels[row], placed, faces.contract)
        if found is not None:
            rows[index] = found
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the jitter of detected crops.")
    parser.add_argument("data", type=Path, help="a prepared set")
    parser.add_argument("--split", default="val", help="which split (default val)")
    parser.add_argument("--count", type=int, default=800, help="faces a source (default 800)")
    parser.add_argument("--seed", type=int, default=0, help="of faces and places (default 0)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default 1)")
    options = parser.parse_args()

    store = ChipStore.open(options.data)
    detector = RetinaFaceDetector(options.threads)
    for source in store.split(options.split).source_names:
        faces = store.split(options.split, source)
        random = np.random.default_rng(options.seed)
        chosen = random.permutation(len(faces))[: options.count]
        _report(source, measure(_only(faces, chosen), detector, random))


def _only(faces: LabelledChips, chosen: NDArray[np.int64]) -> LabelledChips:
    names = tuple(faces.names[index] for index in chosen)
    return replace(faces, rows=faces.rows[chosen], names=names)


def _report(source: str, rows: NDArray[np.float64]) -> None:
    found = rows[~np.isnan(rows[:, 0])]
    print(f"{source}: {len(found)} of {len(rows)} faces found")
    if len(found) == 0:
        return
    config = AugmentConfig()
    ranges = (config.rotation, math.log1p(config.scale), config.shift, config.shift)
    print(f"{'':18}{'mean':>9}{'sd':>9}{'robust sd':>11}{'95 %':>9}{'99 %':>9}  within defaults")
    for name, column, largest in zip(QUANTITIES, found.T, ranges, strict=True):
        middle = np.median(column)
        # 1.4826 makes the median absolute deviation comparable to a standard deviation.
        robust = 1.4826 * np.median(np.abs(column - middle))
        high, highest = np.percentile(np.abs(column), (95, 99))
        inside = 100 * np.mean(np.abs(column) <= largest)
        print(
            f"{name:18}{column.mean():9.4f}{column.std():9.4f}{robust:11.4f}{high:9.4f}"
            f"{highest:9.4f}  {inside:.1f} % (±{largest:.3f})"
        )


if __name__ == "__main__":
    main()
