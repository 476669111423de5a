"""Measure where the landmarks of aligned chips lie: the template of the crop contract.

Runs the detector over chips of a folder, keeps the frontal faces, and prints the median of the
five landmarks, their spread, and the template made symmetric about the vertical middle, all in
pixels of a 200-pixel chip with corners at (0, 0) and (200, 200).

    python tools/measure_template.py path/to/UTKFace --count 600
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.faces.contract import UTKFACE_CHIP_SIZE
from utkage.faces.detector import Detector, Face
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs

NAMES = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
MIRRORED = [1, 0, 2, 4, 3]

# Borders of half the chip: the detector misses none of the faces that fill their chips.
BORDER_SHARE = 0.5


def find_landmarks(detector: Detector, chip: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Landmarks (5, 2) of the chip's own face in 200-pixel coordinates, or None.

    The face whose box has the middle of the chip in it is the chip's own.
    """
    height, width = chip.shape[:2]
    border = round(max(height, width) * BORDER_SHARE)
    framed = np.pad(chip, ((border, border), (border, border), (0, 0)))
    middle = (border + width / 2, border + height / 2)
    own = [face for face in detector.detect(framed) if _holds(face, middle)]
    if not own:
        return None
    scale = np.array([UTKFACE_CHIP_SIZE / width, UTKFACE_CHIP_SIZE / height])
    return np.asarray((np.array(own[0].landmarks) - border) * scale)


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


def symmetrise(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average landmarks (5, 2) with their mirror image in the chip."""
    mirrored = landmarks[MIRRORED] * np.array([-1, 1]) + np.array([UTKFACE_CHIP_SIZE, 0])
    return np.asarray((landmarks + mirrored) / 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the landmark template of aligned chips.")
    parser.add_argument("folder", type=Path, help="folder of aligned chips")
    parser.add_argument("--count", type=int, default=600, help="chips to look at (default 600)")
    parser.add_argument("--seed", type=int, default=0, help="which chips are drawn (default 0)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default 1)")
    options = parser.parse_args()

    paths = expand_inputs([options.folder])
    drawn = random.Random(options.seed).sample(paths, min(options.count, len(paths)))
    detector = RetinaFaceDetector(options.threads)
    found: list[NDArray[np.float64]] = []
    unreadable = 0
    for path in drawn:
        try:
            landmarks = find_landmarks(detector, load_image(path))
        except ImageError:
            unreadable += 1
            continue
        if landmarks is not None:
            found.append(landmarks)
    frontal = np.array([landmarks for landmarks in found if is_frontal(landmarks)])
    print(
        f"chips {len(drawn)}, unreadable {unreadable}, faces {len(found)}, frontal {len(frontal)}"
    )
    if len(frontal) == 0:
        raise SystemExit("no frontal face found; is this a folder of aligned chips?")
    median = np.median(frontal, axis=0)
    # 1.4826 makes the median absolute deviation comparable to a standard deviation.
    spread = 1.4826 * np.median(np.abs(frontal - median), axis=0)
    template = symmetrise(median)
    print(f"{'landmark':20} {'median':>16} {'spread':>14} {'template':>16}")
    for name, middle, wide, point in zip(NAMES, median, spread, template, strict=True):
        print(
            f"{name:20} {middle[0]:8.2f}{middle[1]:8.2f} {wide[0]:7.2f}{wide[1]:7.2f} "
            f"{point[0]:8.2f}{point[1]:8.2f}"
        )


def _holds(face: Face, point: tuple[float, float]) -> bool:
    x0, y0, x1, y1 = face.box
    return x0 <= point[0] <= x1 and y0 <= point[1] <= y1


if __name__ == "__main__":
    main()
