"""Samples to fit and choose the classifier of quality flags: plain, covered and unusual chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.quality.coverings import COVERINGS, PLAIN_ADDITIONS
from tools.quality.face_frame import Image, Painter
from tools.quality.looks import LOOKS, USUAL_LOOKS
from utkage.data.chips import LabelledChips
from utkage.faces.contract import Point, utkface_contract
from utkage.faces.face_appearance import INPUT_SIZE

# Pixels of the chip on which is painted.
_CANVAS = 128
_LANDMARK_NOISE = 0.02

Random = np.random.Generator


@dataclass(frozen=True)
class Samples:
    """n chips with their labels.

    Attributes:
        pixels: uint8 RGB, (n, INPUT_SIZE, INPUT_SIZE, 3).
        labels: 1 where covered and where unusual, float32 (n, 2).
        kinds: What was painted, (n,); empty for chips as they are.
        faces: Index of the face of each chip, (n,).
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.float32]
    kinds: tuple[str, ...]
    faces: NDArray[np.int64]


def make_samples(chips: LabelledChips, count: int, seed: int) -> Samples:
    """Draw ``count`` samples from the faces of ``chips``, a third of them without a label.

    Memory grows with the samples (12 kB each), not with the chips.
    """
    random = np.random.default_rng(seed)
    pixels = np.empty((count, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    labels = np.zeros((count, 2), dtype=np.float32)
    faces = np.sort(random.integers(0, len(chips), count))
    kinds = []
    contract = utkface_contract(_CANVAS)
    for index, face in enumerate(faces):
        (wide,) = next(chips.take(np.array([face])).batches(1, contract))
        kind, labels[index], image = _painted(wide, contract.template, random)
        is_drawn = kind in ("line drawing", "few tones", "cartoon")
        pixels[index] = _cropped(_degraded(image, random, gentle=is_drawn), random)
        kinds.append(kind)
    return Samples(pixels, labels, tuple(kinds), faces)


def plain_samples(chips: LabelledChips) -> NDArray[np.uint8]:
    """Chips as the classifier sees them, uint8 (n, INPUT_SIZE, INPUT_SIZE, 3)."""
    contract = utkface_contract(_CANVAS)
    seen = (_resized(chip) for batch in chips.batches(64, contract) for chip in batch)
    return np.stack(list(seen))


def _painted(
    image: Image, template: Sequence[Point], random: Random
) -> tuple[str, tuple[float, float], Image]:
    points = np.asarray(template) + random.normal(0, _LANDMARK_NOISE * _CANVAS, (5, 2))
    landmarks: list[Point] = [(float(x), float(y)) for x, y in points]

    def paint(painters: Mapping[str, Painter], name: str, canvas: Image) -> Image:
        return painters[name](canvas, landmarks, random)

    covered = random.random() < 0.38
    unusual = random.random() < (0.12 if covered else 0.4)
    kind = ""
    if random.random() < 0.35:
        image = paint(USUAL_LOOKS, str(random.choice(list(USUAL_LOOKS))), image)
    if random.random() < (0.12 if covered else 0.3):
        kind = str(random.choice(list(PLAIN_ADDITIONS)))
        image = paint(PLAIN_ADDITIONS, kind, image)
    if covered:
        kind = str(random.choice(list(COVERINGS)))
        image = paint(COVERINGS, kind, image)
        if random.random() < 0.3:
            image = paint(USUAL_LOOKS, str(random.choice(list(USUAL_LOOKS))), image)
    if unusual:
        # A drawn face replaces what was painted before, and lines may lose it.
        names = list(LOOKS)[:2] if covered else list(LOOKS)
        kind = str(random.choice(names))
        image = paint(LOOKS, kind, image)
    return kind, (float(covered), float(unusual)), image


def _degraded(image: NDArray[Any], random: Random, *, gentle: bool) -> Image:
    """Blur, low resolution, JPEG, noise and light, as in photographs."""
    if random.random() < (0.15 if gentle else 0.35):
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.0 if gentle else 3.0))
    if random.random() < (0.1 if gentle else 0.3):
        small = int(random.integers(64 if gentle else 24, 100))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (_CANVAS, _CANVAS), interpolation=cv2.INTER_CUBIC)
    if random.random() < 0.3:
        noise = random.normal(0, random.uniform(1, 12), image.shape)
        image = np.asarray((image + noise).clip(0, 255), dtype=np.uint8)
    if random.random() < 0.4:
        quality = int(random.integers(20, 95))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return image


def _cropped(image: Image, random: Random) -> Image:
    """A chip that is moved, turned and scaled a little, and sometimes mirrored or cut."""
    middle = _CANVAS / 2
    matrix: NDArray[Any] = cv2.getRotationMatrix2D(
        (middle, middle), random.normal(0, 6), np.exp(random.normal(0, 0.07))
    )
    matrix[:, 2] += random.normal(0, 0.03 * _CANVAS, 2)
    border = cv2.BORDER_CONSTANT if random.random() < 0.3 else cv2.BORDER_REFLECT
    moved: NDArray[Any] = cv2.warpAffine(image, matrix, (_CANVAS, _CANVAS), borderMode=border)
    if random.random() < 0.06:
        # The face lies at the edge of its picture; beyond it there is black.
        cut = int(random.uniform(0.05, 0.3) * _CANVAS)
        edge = int(random.integers(4))
        moved = np.rot90(moved, edge).copy()
        moved[:cut] = 0
        moved = np.rot90(moved, -edge)
    if random.random() < 0.5:
        moved = moved[:, ::-1]
    return _resized(np.ascontiguousarray(moved))


def _resized(image: Image) -> Image:
    resized = cv2.resize(image, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)
