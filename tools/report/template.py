"""Where the landmarks of aligned chips lie: the template of the crop contract.

The detector finds faces in chips of a folder. The median of the five landmarks of frontal faces,
their spread, and the template made symmetric are in pixels of a 200-pixel chip with corners at
(0, 0) and (200, 200).
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.documents import Block, markdown
from tools.landmarks import chip_face, symmetrised
from tools.report.jitter import MAD_TO_SD
from tools.report.page import ReportPage
from utkage.core.errors import DataError, ImageError
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs

NAMES = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The chips and the detector's threads."""
    parser.add_argument("folder", type=Path, help="folder of aligned chips")
    parser.add_argument("--count", type=int, default=600, help="number of chips")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice of chips")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the detector")


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Detect the landmarks of randomly drawn chips.

    Raises:
        DataError: no face is frontal.
    """
    paths = expand_inputs([options.folder])
    drawn = random.Random(options.seed).sample(paths, min(options.count, len(paths)))
    detector = RetinaFaceDetector(options.threads)
    found: list[NDArray[np.float64]] = []
    unreadable = 0
    for path in drawn:
        try:
            face = chip_face(detector, load_image(path))
        except ImageError:
            unreadable += 1
            continue
        if face is not None:
            found.append(face.landmarks)
    frontal = np.array([landmarks for landmarks in found if is_frontal(landmarks)])
    if len(frontal) == 0:
        raise DataError(f"{options.folder}: no frontal face; pass a folder of aligned chips")
    median = np.median(frontal, axis=0)
    spread = MAD_TO_SD * np.median(np.abs(frontal - median), axis=0)
    rows = [
        (name, *(f"{x:.2f}, {y:.2f}" for x, y in points))
        for name, *points in zip(NAMES, median, spread, symmetrised(median), strict=True)
    ]
    origin = (
        f"{len(drawn)} chips drawn with seed {options.seed}, {unreadable} unreadable, "
        f"{len(found)} with a face, {len(frontal)} of them frontal"
    )
    text = markdown(("landmark", "median x, y", "spread x, y", "template x, y"), rows)
    return {"template": Block(text, origin)}


def is_frontal(landmarks: NDArray[np.float64]) -> bool:
    """Whether nose and mouth lie in the middle between the eyes and the eyes are level."""
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks
    eye_distance = right_eye[0] - left_eye[0]
    if eye_distance <= 0:
        return False
    middle = (left_eye[0] + right_eye[0]) / 2
    off_centre = max(abs(nose[0] - middle), abs((left_mouth[0] + right_mouth[0]) / 2 - middle))
    tilt = abs(right_eye[1] - left_eye[1])
    return bool(off_centre < 0.12 * eye_distance and tilt < 0.10 * eye_distance)


PAGE = ReportPage(
    name="template",
    summary="measure where the landmarks of aligned chips lie",
    document="",
    add_options=add_options,
    measure=measure,
)
