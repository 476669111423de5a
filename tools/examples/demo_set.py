"""A small labelled set of synthetic chips, for trying the commands without any data.

Every chip is a random variant of the averaged faces in examples/faces: two neighbouring age groups
of one gender are blended, moved, mirrored, lit and blurred, and noise is added. The file name
contains the blended age. Such a set shows that training and evaluation run; accuracies on it mean
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from utkage.core.errors import DataError
from utkage.data.labels import AGE_RANGES, GENDERS, FaceLabel, format_name
from utkage.images.save import save_image

Pixels = npt.NDArray[np.float32]

SIZE = 200
OTHERS = 4


@dataclass(frozen=True)
class DemoFace:
    """An averaged face and the ages of its group."""

    first: int
    last: int
    pixels: Pixels

    @property
    def age(self) -> float:
        """The middle age of the group."""
        return (self.first + self.last) / 2


def make_demo_set(faces_dir: Path, out: Path, count: int, seed: int) -> list[Path]:
    """Write ``count`` labelled chips into ``out``; the same faces and seed give the same files.

    ``faces_dir`` has averaged faces, named ``<first>-<last>_<gender>.jpg``.

    Raises:
        DataError: ``faces_dir`` does not have two faces of each gender.
    """
    faces = [_faces_of(faces_dir, gender) for gender in GENDERS]
    rng = np.random.default_rng(seed)
    paths = []
    for index in range(count):
        gender = index % 2
        age = _age(index // 2, faces[gender], rng)
        label = FaceLabel(age, gender, OTHERS)
        # The number keeps names of the same age and gender distinct.
        path = out / format_name(label, f"20170101{index:09d}")
        pixels = _variant(_blend(faces[gender], age), rng)
        save_image(path, np.clip(np.rint(pixels), 0, 255).astype(np.uint8), quality=90)
        paths.append(path)
    return paths


def _faces_of(folder: Path, gender: str) -> list[DemoFace]:
    """The averaged faces of a gender, the youngest first."""
    faces = [_load(path) for path in sorted(folder.glob(f"*_{gender}.jpg"))]
    if len(faces) < 2:
        raise DataError(f"{folder} needs two or more faces named <first>-<last>_{gender}.jpg")
    return sorted(faces, key=lambda face: face.age)


def _load(path: Path) -> DemoFace:
    first, _, last = path.stem.split("_")[0].partition("-")
    try:
        ages = int(first), int(last)
    except ValueError as error:
        raise DataError(f"{path} is not named <first>-<last>_<gender>.jpg") from error
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB").resize((SIZE, SIZE)), np.float32)
    return DemoFace(*ages, pixels)


def _age(turn: int, faces: Sequence[DemoFace], rng: np.random.Generator) -> int:
    """A whole age from each of the nine ranges in turn, as far as the faces reach."""
    youngest, oldest = faces[0].first, faces[-1].last
    reachable = [span for span in AGE_RANGES if span.first <= oldest and span.last >= youngest]
    span = reachable[turn % len(reachable)]
    return int(rng.integers(max(span.first, youngest), min(span.last, oldest) + 1))


def _blend(faces: Sequence[DemoFace], age: int) -> Pixels:
    """The face of an age, between the two groups with the nearest middle ages."""
    ages = [face.age for face in faces]
    upper = int(np.clip(np.searchsorted(ages, age), 1, len(faces) - 1))
    younger, older = faces[upper - 1], faces[upper]
    part = float(np.clip((age - younger.age) / max(older.age - younger.age, 1e-6), 0, 1))
    return np.asarray(younger.pixels * (1 - part) + older.pixels * part, np.float32)


def _variant(face: Pixels, rng: np.random.Generator) -> Pixels:
    """Move, mirror, light, blur and roughen a face at random."""
    picture = Image.fromarray(np.clip(np.rint(face), 0, 255).astype(np.uint8))
    picture = _moved(picture, rng)
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.1))))
    light = rng.normal(1, 0.1) * rng.normal(1, 0.035, 3)
    contrast = rng.uniform(0.85, 1.15)
    pixels = (np.asarray(picture, np.float32) - 128) * contrast + 128
    noise = rng.standard_normal(pixels.shape, np.float32) * rng.uniform(1, 6)
    return np.asarray(pixels * light + _side_light(rng)[..., None] + noise, np.float32)


def _moved(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Rotate, scale, stretch and shift a little, about the middle of the chip."""
    angle = np.deg2rad(rng.normal(0, 3))
    scale = rng.normal(1, 0.03) * np.array([rng.normal(1, 0.02), rng.normal(1, 0.02)])
    across = np.array([np.cos(angle), -np.sin(angle)]) * scale[0]
    down = np.array([np.sin(angle), np.cos(angle)]) * scale[1]
    middle = SIZE / 2
    shift = middle - middle * np.array([across.sum(), down.sum()]) + rng.normal(0, 2.5, 2)
    # Repeat the border, so that a rotation shows no black corners.
    padded = Image.fromarray(np.pad(np.asarray(picture), ((16, 16), (16, 16), (0, 0)), "edge"))
    inside = tuple(map(float, (*across, shift[0] + 16, *down, shift[1] + 16)))
    return padded.transform(
        (SIZE, SIZE), Image.Transform.AFFINE, inside, resample=Image.Resampling.BICUBIC
    )


def _side_light(rng: np.random.Generator) -> Pixels:
    """A brightness that rises across the chip, from a random side."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (np.cos(angle) * x + np.sin(angle) * y) * rng.uniform(0, 18)
    return np.asarray(ramp, np.float32)
