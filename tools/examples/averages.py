"""Averages of many aligned chips of one age group and gender: synthetic faces of no real person.

A plain average is blurred, because eyes and mouths lie differently in each chip. So every chip is
aligned to the landmarks of its group, chips far from the mean are dropped, and the rest is
registered densely (optical flow to the mean) before it is averaged. Averaging costs contrast, which
is restored band by band up to that of single chips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tools.landmarks import ChipFace, chip_face, symmetrised
from utkage.core.errors import ConfigError, DataError, LabelError
from utkage.data.labels import GENDERS, FaceLabel, parse_name
from utkage.faces.alignment import similarity_transform
from utkage.faces.detector import Detector
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.images.decode import load_image
from utkage.images.resize import resize_square
from utkage.images.save import save_image

Pixels = npt.NDArray[np.float32]
Chip = npt.NDArray[np.uint8]

SIZE = 200


@dataclass(frozen=True)
class Group:
    """Faces of one gender with ages in a closed range of years."""

    first: int
    last: int
    gender: int

    @property
    def name(self) -> str:
        """The stem of the face's file, such as ``28-38_female``."""
        return f"{self.first}-{self.last}_{GENDERS[self.gender]}"

    def holds(self, label: FaceLabel) -> bool:
        """Whether a face belongs to the group."""
        if label.age is None or label.gender != self.gender:
            return False
        return self.first <= label.age <= self.last


AGE_GROUPS: tuple[tuple[int, int], ...] = ((0, 4), (5, 12), (18, 25), (28, 38), (45, 58), (65, 85))
GROUPS: tuple[Group, ...] = tuple(
    Group(first, last, gender) for first, last in AGE_GROUPS for gender in (0, 1)
)


@dataclass(frozen=True)
class AverageOptions:
    """How chips are chosen and averaged.

    Attributes:
        minimum: Lowest number of usable chips in a group.
        keep: Highest number of chips in an average; the most typical ones are kept.
        candidates: Highest number of chips that are compared; the most frontal ones are taken.
        lean: Largest departure from a frontal pose, in eye distances.
        score: Lowest confidence of the detector, 0..1.
        rounds: Number of rounds of dense registration.
        gains: Largest gain of each band of detail, the finest first.
    """

    minimum: int = 60
    keep: int = 120
    candidates: int = 900
    lean: float = 0.06
    score: float = 0.98
    rounds: int = 3
    gains: tuple[float, ...] = (2.8, 2.4, 1.8, 1.4)

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.keep:
            raise ConfigError(f"minimum {self.minimum} is outside 1..{self.keep} chips")


@dataclass(frozen=True)
class DetectedChip:
    """A chip in which the detector found the face."""

    path: Path
    face: ChipFace


@dataclass(frozen=True)
class AverageFace:
    """An average and the numbers of chips behind it.

    Attributes:
        group: Age range and gender.
        pixels: RGB, 0..255, (200, 200, 3).
        used: Number of averaged chips.
        seen: Number of chips of the group in the folder.
    """

    group: Group
    pixels: Pixels
    used: int
    seen: int


def chips_of(folder: Path, group: Group) -> list[Path]:
    """The chips of a group, sorted by name; files whose names do not parse are skipped."""
    return [path for path in sorted(folder.glob("*.jpg")) if _belongs(path.name, group)]


def average_group(folder: Path, group: Group, options: AverageOptions) -> AverageFace:
    """Average the typical frontal chips of one group.

    Raises:
        DataError: the group has fewer than ``options.minimum`` usable chips.
    """
    paths = chips_of(folder, group)
    detector = RetinaFaceDetector()
    detected = [found for path in paths if (found := detect(detector, path)) is not None]
    frontal = [
        found
        for found in sorted(detected, key=lambda found: leaning(found.face.landmarks))
        if found.face.score >= options.score and leaning(found.face.landmarks) <= options.lean
    ][: options.candidates]
    _require_enough(len(frontal), group, options)
    template = symmetrised(np.median([found.face.landmarks for found in detected], axis=0))
    usable = _usable([aligned(found, template) for found in frontal])
    typical = _typical(usable, options)
    _require_enough(len(typical), group, options)
    chips = _same_light(typical)
    mean = _registered_mean(chips, options.rounds)
    return AverageFace(group, _restored(mean, chips, options.gains), len(chips), len(paths))


def detect(detector: Detector, path: Path) -> DetectedChip | None:
    """Find the face of a chip, or None."""
    face = chip_face(detector, _read(path))
    return None if face is None else DetectedChip(path, face)


def leaning(landmarks: npt.NDArray[np.float64]) -> float:
    """How far a pose is from frontal and upright, in eye distances (0: perfectly symmetric)."""
    left, right, nose, mouth_left, mouth_right = landmarks
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    distance = max(float(np.hypot(*(right - left))), 1.0)
    roll = abs(right[1] - left[1])
    yaw = abs(nose[0] - (eyes[0] + mouth[0]) / 2)
    skew = abs(eyes[0] - mouth[0])
    return float(max(roll, yaw, skew)) / distance


def aligned(found: DetectedChip, template: npt.NDArray[np.float64]) -> Chip:
    """The chip, moved so that its landmarks lie on the template."""
    matrix = similarity_transform(
        [(x, y) for x, y in found.face.landmarks], [(x, y) for x, y in template]
    )
    # The pixel centres of warpAffine lie at whole numbers, those of landmarks at one half.
    matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5
    moved = cv2.warpAffine(
        _read(found.path),
        matrix,
        (SIZE, SIZE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(moved, np.uint8)


def grey(pixels: npt.NDArray[np.uint8] | Pixels) -> Pixels:
    """Luma of an RGB picture, or of a stack of them, 0..255."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(np.asarray(pixels, np.float32) @ weights, np.float32)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian blur with ``sigma`` in pixels."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.float32)


def face_weight() -> Pixels:
    """How much each pixel of a chip belongs to the face: a soft oval, 0..1."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    distance = ((x - 100) / 62) ** 2 + ((y - 95) / 75) ** 2
    return np.asarray(np.exp(-(distance**2)), np.float32)


def write_chip(path: Path, pixels: Pixels, quality: int = 90) -> None:
    """Save an RGB picture (0..255) as JPEG, atomically."""
    rounded = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    save_image(path, rounded, quality)


def _belongs(name: str, group: Group) -> bool:
    try:
        return group.holds(parse_name(name))
    except LabelError:
        return False


def _require_enough(count: int, group: Group, options: AverageOptions) -> None:
    if count < options.minimum:
        raise DataError(
            f"group {group.name} has {count} usable chips, fewer than {options.minimum}; "
            "give a larger folder or a smaller --minimum"
        )


def _read(path: Path) -> Chip:
    return resize_square(load_image(path), SIZE)


def _usable(chips: Sequence[Chip]) -> npt.NDArray[np.uint8]:
    """Drop black-and-white chips and the least sharp third."""
    if not chips:
        return np.zeros((0, SIZE, SIZE, 3), np.uint8)
    inner = [chip[40:160, 40:160] for chip in chips]
    colour = np.array([np.mean(chip.max(axis=2) - chip.min(axis=2)) for chip in inner])
    sharpness = np.array([cv2.Laplacian(grey(chip), cv2.CV_32F).std() for chip in inner])
    kept = (colour > 15) & (sharpness >= np.quantile(sharpness, 0.35))
    return np.asarray(np.stack(chips)[kept], np.uint8)


def _typical(chips: npt.NDArray[np.uint8], options: AverageOptions) -> npt.NDArray[np.uint8]:
    """Drop the chips farthest from the running mean, a fifth at a time."""
    weight = face_weight()
    luma = np.stack([_normalised(grey(chip)) for chip in chips]) if len(chips) else chips
    kept = np.arange(len(chips))
    while len(kept) > options.keep:
        apart = luma[kept] - luma[kept].mean(axis=0)
        distance = (apart**2 * weight).sum(axis=(1, 2))
        left = max(options.keep, int(len(kept) * 0.8))
        kept = kept[np.argsort(distance, kind="stable")[:left]]
    return np.asarray(chips[kept], np.uint8)


def _normalised(luma: Pixels) -> Pixels:
    """Luma with mean 0 and standard deviation 1 over the face, independent of the light."""
    weight = face_weight()
    total = float(weight.sum())
    centred = luma - float((luma * weight).sum()) / total
    spread = float(np.sqrt((weight * centred**2).sum() / total))
    return np.asarray(centred / max(spread, 1e-3), np.float32)


def _same_light(chips: npt.NDArray[np.uint8]) -> Pixels:
    """Move the colour of each chip most of the way to the median colour of all."""
    weight = face_weight()[..., None] / face_weight().sum()
    colours = np.stack([(chip * weight).sum(axis=(0, 1)) for chip in chips])
    gains = 1 + 0.8 * (np.median(colours, axis=0) / np.maximum(colours, 1) - 1)
    lit = chips.astype(np.float32) * gains[:, None, None, :].astype(np.float32)
    return np.asarray(np.clip(lit, 0, 255), np.float32)


def _registered_mean(chips: Pixels, rounds: int) -> Pixels:
    mean = np.asarray(chips.mean(axis=0), np.float32)
    for turn in range(rounds):
        flows = np.stack([_flow(mean, chip, 6.0 - turn) for chip in chips])
        # Only differences between chips are removed; a common drift would move the whole face.
        flows -= flows.mean(axis=0)
        moved = [_moved(chip, flow) for chip, flow in zip(chips, flows, strict=True)]
        mean = np.asarray(np.mean(moved, axis=0), np.float32)
    return mean


def _flow(mean: Pixels, chip: Pixels, smoothness: float) -> Pixels:
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((SIZE, SIZE, 2), np.float32)
    flow = finder.calc(_flow_input(mean), _flow_input(chip), start)
    return blurred(np.asarray(flow, np.float32), smoothness)


def _flow_input(pixels: Pixels) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(_normalised(grey(pixels)) * 45 + 128, 0, 255), np.uint8)


def _moved(chip: Pixels, flow: Pixels) -> Pixels:
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    moved = cv2.remap(
        chip, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.float32)


def _bands(pixels: Pixels, count: int) -> tuple[list[Pixels], Pixels]:
    """Split a picture into bands of detail, the finest first, and what is left."""
    bands: list[Pixels] = []
    for level in range(count):
        coarser = blurred(pixels, 2.0**level)
        bands.append(pixels - coarser)
        pixels = coarser
    return bands, pixels


def _strengths(bands: Sequence[Pixels]) -> npt.NDArray[np.float64]:
    weight = face_weight() / face_weight().sum()
    return np.array([np.sqrt(float((grey(band) ** 2 * weight).sum())) for band in bands])


def _restored(mean: Pixels, chips: Pixels, limits: Sequence[float]) -> Pixels:
    """Amplify each band of the mean to its strength in single chips, within limits."""
    count = len(limits)
    wanted = np.mean([_strengths(_bands(chip, count)[0]) for chip in chips], axis=0)
    bands, base = _bands(mean, count)
    gains = np.clip(wanted / np.maximum(_strengths(bands), 1e-3), 1.0, np.asarray(limits))
    # Backgrounds average to nothing, so full sharpening would only show noise there.
    weight = 0.55 + 0.45 * blurred(face_weight(), 8.0)[..., None]
    detail = [band * (1 + (gain - 1) * weight) for band, gain in zip(bands, gains, strict=True)]
    return np.asarray(np.clip(base + np.sum(detail, axis=0), 0, 255), np.float32)
