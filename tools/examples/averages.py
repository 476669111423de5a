"""Averages of many aligned chips of one age group and gender: synthetic faces of no real person.

Averaging chips as they are gives fog, because eyes and mouths lie differently in each. So every
chip is brought onto the landmarks of its group first, the chips far from the running mean are
dropped, and what is left is registered densely (optical flow onto the mean) before the average
is taken. The contrast that averaging costs is given back band by band, up to that of single chips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from utkage.core.errors import ConfigError, DataError, LabelError
from utkage.data.labels import GENDERS, FaceLabel, parse_name
from utkage.images.save import save_image

Pixels = npt.NDArray[np.float32]
Chip = npt.NDArray[np.uint8]

SIDE = 200
# The detector was trained on faces with something around them; chips have nothing.
PAD = 60


@dataclass(frozen=True)
class Group:
    """Faces of one gender with ages in a closed range."""

    first: int
    last: int
    gender: int

    @property
    def name(self) -> str:
        """Such as ``28-38_female``; the stem of the face's file."""
        return f"{self.first}-{self.last}_{GENDERS[self.gender]}"

    @property
    def middle(self) -> float:
        """The middle age, in years."""
        return (self.first + self.last) / 2

    def holds(self, label: FaceLabel) -> bool:
        """Whether a face belongs to the group."""
        return self.gender == label.gender and self.first <= label.age <= self.last


AGE_GROUPS: tuple[tuple[int, int], ...] = ((0, 4), (5, 12), (18, 25), (28, 38), (45, 58), (65, 85))
GROUPS: tuple[Group, ...] = tuple(
    Group(first, last, gender) for first, last in AGE_GROUPS for gender in (0, 1)
)


@dataclass(frozen=True)
class AverageOptions:
    """How chips are chosen and averaged.

    Attributes:
        minimum: A group with fewer usable chips than this is refused.
        keep: Chips that go into one average, at most; the most typical ones are kept.
        candidates: The most frontal chips that are looked at, at most.
        lean: Largest departure from a frontal pose, in eye distances.
        score: Lowest confidence of the detector.
        rounds: Rounds of dense registration onto the mean.
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
class Sighting:
    """A chip in which the detector found a face.

    Attributes:
        path: The chip.
        score: Confidence of the detector.
        landmarks: Five points (x, y) in pixel indices of the chip, shape ``(5, 2)``.
    """

    path: Path
    score: float
    landmarks: Pixels


@dataclass(frozen=True)
class AverageFace:
    """An average and what it is made of.

    Attributes:
        group: Age range and gender.
        pixels: RGB, 0..255, 200x200.
        used: Chips that the average was taken over.
        seen: Chips of the group in the folder.
    """

    group: Group
    pixels: Pixels
    used: int
    seen: int


def chips_of(folder: Path, group: Group) -> list[Path]:
    """The chips of a group, by name; names that do not parse are passed over."""
    return [path for path in sorted(folder.glob("*.jpg")) if _belongs(path.name, group)]


def average_group(folder: Path, group: Group, options: AverageOptions) -> AverageFace:
    """Average the typical frontal chips of one group.

    Raises:
        DataError: the group has fewer than ``options.minimum`` usable chips.
    """
    paths = chips_of(folder, group)
    sightings = [seen for path in paths if (seen := look(path)) is not None]
    frontal = [
        seen
        for seen in sorted(sightings, key=lambda seen: leaning(seen.landmarks))
        if seen.score >= options.score and leaning(seen.landmarks) <= options.lean
    ][: options.candidates]
    _enough(len(frontal), group, options)
    template = symmetric(np.median([seen.landmarks for seen in sightings], axis=0))
    usable = _usable([straighten(seen, template) for seen in frontal])
    typical = _typical(usable, options)
    _enough(len(typical), group, options)
    chips = _same_light(typical)
    mean = _registered_mean(chips, options.rounds)
    return AverageFace(group, _restored(mean, chips, options.gains), len(chips), len(paths))


def look(path: Path) -> Sighting | None:
    """Find the largest face of a chip, or None where the detector sees none."""
    from retinaface import detect_faces

    padded = np.pad(_read(path), ((PAD, PAD), (PAD, PAD), (0, 0)))
    faces = detect_faces(padded)
    if not faces:
        return None
    face = max(faces, key=lambda face: face.width * face.height)
    points = [(point.x - PAD, point.y - PAD) for point in face.landmarks]
    return Sighting(path, float(face.score), np.array(points, np.float32))


def leaning(landmarks: Pixels) -> float:
    """How far a pose is from frontal and upright, in eye distances (0: perfectly symmetric)."""
    left, right, nose, mouth_left, mouth_right = landmarks
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    distance = max(float(np.hypot(*(right - left))), 1.0)
    roll = abs(right[1] - left[1])
    yaw = abs(nose[0] - (eyes[0] + mouth[0]) / 2)
    skew = abs(eyes[0] - mouth[0])
    return float(max(roll, yaw, skew)) / distance


def symmetric(landmarks: npt.ArrayLike) -> Pixels:
    """Landmarks averaged with their mirror image."""
    points = np.asarray(landmarks, np.float32)
    mirrored = points[[1, 0, 2, 4, 3]] * np.array([-1, 1], np.float32)
    return np.asarray((points + mirrored + np.array([SIDE - 1, 0], np.float32)) / 2, np.float32)


def similarity(source: Pixels, target: Pixels) -> npt.NDArray[np.float64]:
    """Least-squares rotation, scale and shift from ``source`` to ``target``, shape ``(2, 3)``."""
    moved, wanted = source - source.mean(axis=0), target - target.mean(axis=0)
    along = float((moved * wanted).sum())
    across = float((moved[:, 0] * wanted[:, 1] - moved[:, 1] * wanted[:, 0]).sum())
    turn = np.array([[along, -across], [across, along]]) / max(float((moved**2).sum()), 1e-6)
    shift = target.mean(axis=0) - turn @ source.mean(axis=0)
    return np.column_stack([turn, shift])


def straighten(seen: Sighting, template: Pixels) -> Chip:
    """The chip, moved so that its landmarks lie on the template."""
    matrix = similarity(seen.landmarks, template)
    moved = cv2.warpAffine(
        _read(seen.path),
        matrix,
        (SIDE, SIDE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(moved, np.uint8)


def grey(pixels: npt.NDArray[np.uint8] | Pixels) -> Pixels:
    """Luma of an RGB picture (or of a stack of them), 0..255."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(np.asarray(pixels, np.float32) @ weights, np.float32)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian blur with ``sigma`` in pixels."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.float32)


def face_weight() -> Pixels:
    """How much each pixel of a chip belongs to the face: a soft oval, 0..1."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
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


def _enough(count: int, group: Group, options: AverageOptions) -> None:
    if count < options.minimum:
        raise DataError(
            f"group {group.name} has {count} usable chips, fewer than {options.minimum}; "
            "give a larger folder or a smaller --minimum"
        )


def _read(path: Path) -> Chip:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((SIDE, SIDE)), np.uint8)


def _usable(chips: Sequence[Chip]) -> npt.NDArray[np.uint8]:
    """Leave out black-and-white chips and the least sharp third."""
    if not chips:
        return np.zeros((0, SIDE, SIDE, 3), np.uint8)
    inner = [chip[40:160, 40:160] for chip in chips]
    colour = np.array([np.mean(chip.max(axis=2) - chip.min(axis=2)) for chip in inner])
    sharpness = np.array([cv2.Laplacian(grey(chip), cv2.CV_32F).std() for chip in inner])
    kept = (colour > 15) & (sharpness >= np.quantile(sharpness, 0.35))
    return np.asarray(np.stack(chips)[kept], np.uint8)


def _typical(chips: npt.NDArray[np.uint8], options: AverageOptions) -> npt.NDArray[np.uint8]:
    """Drop the chips farthest from the running mean, a fifth at a time."""
    weight = face_weight()
    plain = np.stack([_plain(grey(chip)) for chip in chips]) if len(chips) else chips
    kept = np.arange(len(chips))
    while len(kept) > options.keep:
        apart = plain[kept] - plain[kept].mean(axis=0)
        distance = (apart**2 * weight).sum(axis=(1, 2))
        left = max(options.keep, int(len(kept) * 0.8))
        kept = kept[np.argsort(distance, kind="stable")[:left]]
    return np.asarray(chips[kept], np.uint8)


def _plain(luma: Pixels) -> Pixels:
    """Luma with mean 0 and spread 1 over the face, so that light does not count."""
    weight = face_weight()
    total = float(weight.sum())
    centred = luma - float((luma * weight).sum()) / total
    spread = float(np.sqrt((weight * centred**2).sum() / total))
    return np.asarray(centred / max(spread, 1e-3), np.float32)


def _same_light(chips: npt.NDArray[np.uint8]) -> Pixels:
    """Bring each chip most of the way to the median colour of all, as float."""
    weight = face_weight()[..., None] / face_weight().sum()
    colours = np.stack([(chip * weight).sum(axis=(0, 1)) for chip in chips])
    gains = 1 + 0.8 * (np.median(colours, axis=0) / np.maximum(colours, 1) - 1)
    lit = chips.astype(np.float32) * gains[:, None, None, :].astype(np.float32)
    return np.asarray(np.clip(lit, 0, 255), np.float32)


def _registered_mean(chips: Pixels, rounds: int) -> Pixels:
    mean = np.asarray(chips.mean(axis=0), np.float32)
    for turn in range(rounds):
        flows = np.stack([_flow(mean, chip, 6.0 - turn) for chip in chips])
        # Only differences between chips are to go: a common drift would move the whole face.
        flows -= flows.mean(axis=0)
        moved = [_moved(chip, flow) for chip, flow in zip(chips, flows, strict=True)]
        mean = np.asarray(np.mean(moved, axis=0), np.float32)
    return mean


def _flow(mean: Pixels, chip: Pixels, smoothness: float) -> Pixels:
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((SIDE, SIDE, 2), np.float32)
    flow = finder.calc(_visible(mean), _visible(chip), start)
    return blurred(np.asarray(flow, np.float32), smoothness)


def _visible(pixels: Pixels) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(_plain(grey(pixels)) * 45 + 128, 0, 255), np.uint8)


def _moved(chip: Pixels, flow: Pixels) -> Pixels:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
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
    """Give each band of the mean the strength that it has in single chips, within limits."""
    count = len(limits)
    wanted = np.mean([_strengths(_bands(chip, count)[0]) for chip in chips], axis=0)
    bands, base = _bands(mean, count)
    gains = np.clip(wanted / np.maximum(_strengths(bands), 1e-3), 1.0, np.asarray(limits))
    # Backgrounds do not average to anything: full sharpening there would only show noise.
    weight = 0.55 + 0.45 * blurred(face_weight(), 8.0)[..., None]
    detail = [band * (1 + (gain - 1) * weight) for band, gain in zip(bands, gains, strict=True)]
    return np.asarray(np.clip(base + np.sum(detail, axis=0), 0, 255), np.float32)
