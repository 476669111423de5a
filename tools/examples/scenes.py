"""Photograph-like scenes of painted people before blurred backgrounds, and one without people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tools.examples.averages import Pixels, blurred
from tools.examples.people import LEFT, SCALE, TOP, Colour, Person, Style, paint_person
from utkage.core.files import replacing

BROWN: Colour = (70, 47, 33)
BLACK: Colour = (42, 34, 30)
GREY: Colour = (150, 147, 142)
FAIR: Colour = (150, 115, 80)

Backdrop = Callable[[int, int, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Placed:
    """A person in a scene.

    Attributes:
        face: Stem of the face's file, such as ``28-38_female``.
        style: Hair, clothes and shoulders.
        at: The middle between the eyes, in pixels of the scene.
        scale: Pixels of the scene per pixel of the chip.
        tilt: Rotation of the whole person, clockwise, in degrees.
    """

    face: str
    style: Style
    at: tuple[float, float]
    scale: float
    tilt: float


@dataclass(frozen=True)
class Scene:
    """A picture to paint.

    Attributes:
        name: File name.
        size: Width and height of the upright picture, in pixels.
        backdrop: Paints the background.
        people: People from the back to the front.
        sideways: Whether it is stored sideways, with an EXIF orientation tag.
    """

    name: str
    size: tuple[int, int]
    backdrop: Backdrop
    people: tuple[Placed, ...]
    sideways: bool = False


def scenes() -> tuple[Scene, ...]:
    """All scenes in ``examples/``."""
    return (
        Scene("portrait.jpg", (800, 960), _garden, (_young_woman((405, 400), 1.5, 2.5),)),
        Scene("couple.jpg", (1120, 800), _room, _couple()),
        Scene("family.jpg", (1280, 800), _garden, _family()),
        Scene("rotated.jpg", (720, 960), _room, (_young_man((352, 420), 1.35, -4.0),), True),
        Scene("landscape.jpg", (1120, 720), _hills, ()),
    )


def paint_scene(scene: Scene, faces: Mapping[str, Pixels], seed: int) -> Pixels:
    """Paint a scene, upright; ``faces`` are the averages by the stem of their files."""
    rng = np.random.default_rng([seed, *scene.name.encode()])
    width, height = scene.size
    picture = scene.backdrop(width, height, rng)
    for placed in scene.people:
        person = paint_person(faces[placed.face], placed.style, int(rng.integers(1 << 30)))
        picture = _stand(picture, person, placed)
    return _camera(picture, rng)


def write_scene(scene: Scene, picture: Pixels, path: Path, quality: int = 84) -> None:
    """Save a scene as JPEG, with an EXIF orientation tag where it is stored sideways."""
    image = Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
    exif = Image.Exif()
    if scene.sideways:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6
    with replacing(path) as partial:
        image.save(partial, quality=quality, exif=exif)


def _young_woman(at: tuple[float, float], scale: float, tilt: float) -> Placed:
    style = Style(BROWN, "long", (146, 62, 70), shoulders=185, neck=50, hairline=-12)
    return Placed("18-25_female", style, at, scale, tilt)


def _young_man(at: tuple[float, float], scale: float, tilt: float) -> Placed:
    style = Style(BLACK, "short", (94, 110, 96), shoulders=210, neck=64, hairline=-10)
    return Placed("18-25_male", style, at, scale, tilt)


def _couple() -> tuple[Placed, ...]:
    his = Style((92, 82, 74), "short", (58, 70, 98), shoulders=215, neck=66, hairline=-18)
    hers = Style((96, 64, 42), "bob", (168, 150, 120), shoulders=186, neck=50, hairline=-12)
    return (
        Placed("45-58_male", his, (390, 300), 1.1, 3.0),
        Placed("45-58_female", hers, (715, 365), 1.02, -5.0),
    )


def _family() -> tuple[Placed, ...]:
    grandfather = Style(GREY, "thin", (92, 98, 84), shoulders=205, neck=64, hairline=-38)
    grandmother = Style(GREY, "bob", (122, 84, 130), shoulders=186, neck=52, hairline=-16)
    father = Style(BLACK, "short", (62, 82, 122), shoulders=212, neck=66, hairline=-10)
    mother = Style(BROWN, "long", (190, 182, 170), shoulders=184, neck=50, hairline=-12)
    boy = Style((92, 64, 40), "short", (196, 150, 60), shoulders=140, neck=46, hairline=-12)
    girl = Style((84, 58, 40), "long", (190, 90, 96), shoulders=134, neck=42, hairline=-12)
    baby = Style(FAIR, "down", (150, 188, 206), shoulders=124, neck=48, hairline=-34)
    return (
        Placed("65-85_male", grandfather, (225, 255), 0.74, -3.0),
        Placed("28-38_male", father, (490, 195), 0.78, 2.0),
        Placed("28-38_female", mother, (770, 240), 0.72, -3.0),
        Placed("65-85_female", grandmother, (1045, 290), 0.7, 4.0),
        Placed("5-12_male", boy, (350, 505), 0.62, 4.0),
        Placed("0-4_male", baby, (635, 580), 0.52, -6.0),
        Placed("5-12_female", girl, (915, 535), 0.6, -2.0),
    )


def _stand(picture: Pixels, person: Person, placed: Placed) -> Pixels:
    """Paint a person into the picture, with a soft shadow around."""
    angle, zoom = np.deg2rad(placed.tilt), placed.scale / SCALE
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    eyes = np.array([(LEFT + 100) * SCALE, (TOP + 60) * SCALE])
    matrix = np.column_stack([turn, np.array(placed.at) - turn @ eyes])
    height, width = picture.shape[:2]
    # Blurred before it shrinks; plain sampling would break the hair into dots.
    soft = max(0.5, 0.45 / zoom)
    paint = person.colour * person.cover[..., None]
    layers = np.dstack([blurred(np.asarray(paint, np.float32), soft), blurred(person.cover, soft)])
    # Repeat the last row of the clothes down to the edge of the picture.
    border = cv2.BORDER_REPLICATE
    moved = np.asarray(
        cv2.warpAffine(layers, matrix, (width, height), borderMode=border), np.float32
    )
    cover = moved[..., 3:]
    shadow = blurred(np.asarray(moved[..., 3], np.float32), 16 * placed.scale)[..., None]
    behind = picture * (1 - 0.28 * shadow)
    return np.asarray(moved[..., :3] + behind * (1 - cover), np.float32)


def _camera(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Add the traces of a lens and a sensor: darker corners, softness, grain."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = ((x / width - 0.45) ** 2 + (y / height - 0.4) ** 2) * 0.5
    lit = blurred(picture, 0.6) * (1.05 - away[..., None])
    grain = blurred(rng.standard_normal((height, width)).astype(np.float32), 0.6) * 3.4
    colour = rng.standard_normal((height, width, 3)).astype(np.float32) * 0.9
    return np.asarray(np.clip(lit + grain[..., None] + colour, 0, 255), np.float32)


def _noise(width: int, height: int, step: int, rng: np.random.Generator) -> Pixels:
    """Smooth noise, about -1..1, with features of ``step`` pixels."""
    coarse = rng.uniform(-1, 1, (height // step + 3, width // step + 3)).astype(np.float32)
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32
    )


def _ramp(width: int, height: int, top: Colour, bottom: Colour) -> Pixels:
    part = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    ramp = np.asarray(top, np.float32) * (1 - part) + np.asarray(bottom, np.float32) * part
    return np.asarray(np.repeat(ramp, width, axis=1), np.float32)


def _blend(picture: Pixels, colour: Colour, mask: Pixels) -> Pixels:
    part = mask[..., None]
    return np.asarray(picture * (1 - part) + np.asarray(colour, np.float32) * part, np.float32)


def _garden(width: int, height: int, rng: np.random.Generator) -> Pixels:
    """Leaves and spots of light, far out of focus."""
    picture = _ramp(width, height, (172, 190, 160), (70, 92, 58))
    for step, strength in ((260, 34), (120, 22), (60, 12)):
        field = _noise(width, height, step, rng)[..., None]
        picture = picture + field * np.array([0.8, 1.0, 0.6], np.float32) * strength
    for _ in range(46):
        place = (int(rng.integers(width)), int(rng.integers(int(height * 0.75))))
        spot = np.zeros((height, width), np.float32)
        cv2.circle(spot, place, int(rng.integers(14, 52)), (1.0,), -1, cv2.LINE_AA)
        tint = (236.0, 240.0, 190.0) if rng.random() < 0.7 else (250.0, 222.0, 170.0)
        picture = _blend(picture, tint, blurred(spot, 4.0) * float(rng.uniform(0.06, 0.3)))
    return blurred(np.asarray(picture, np.float32), 5.0)


def _room(width: int, height: int, rng: np.random.Generator) -> Pixels:
    """A wall with a window and a shelf, out of focus."""
    picture = _ramp(width, height, (196, 184, 166), (150, 132, 114))
    window = np.zeros((height, width), np.float32)
    left = int(width * 0.06)
    window[int(height * 0.05) : int(height * 0.62), left : left + int(width * 0.24)] = 1
    window[:, left + int(width * 0.115) : left + int(width * 0.125)] = 0
    picture = _blend(picture, (240, 240, 232), window * 0.85)
    picture = _shelf(picture, int(height * 0.42), rng)
    mottle = _noise(width, height, 180, rng)[..., None] * 6
    return blurred(np.asarray(picture + mottle, np.float32), 11.0)


def _shelf(picture: Pixels, shelf: int, rng: np.random.Generator) -> Pixels:
    """Add a board with books to the right of the picture, its upper edge at row ``shelf``."""
    height, width = picture.shape[:2]
    x = int(width * 0.68)
    while x < width * 0.97:
        thick, tall = int(rng.integers(14, 34)), int(rng.integers(90, 170))
        book = np.zeros((height, width), np.float32)
        book[shelf - tall : shelf, x : x + thick] = 1
        red, green, blue = rng.uniform(60, 190, 3)
        picture = _blend(picture, (float(red), float(green), float(blue)), book * 0.7)
        x += thick + int(rng.integers(1, 8))
    board = np.zeros((height, width), np.float32)
    board[shelf : shelf + 14, int(width * 0.66) :] = 1
    return _blend(picture, (104, 80, 60), board)


def _hills(width: int, height: int, rng: np.random.Generator) -> Pixels:
    """Sky, clouds, ranges of hills that fade with distance, and a lake."""
    picture = _ramp(width, height, (98, 146, 200), (226, 226, 214))
    y = np.mgrid[:height, :width][0].astype(np.float32)
    steps = (300, 140, 60, 24)
    cloud = np.sum([_noise(width, height, step, rng) * step for step in steps], axis=0) / 400
    part = np.clip(cloud * 1.6 - 0.1, 0, 1) * np.clip(1 - y / (height * 0.5), 0, 1)
    picture = _blend(picture, (248, 246, 242), np.asarray(part * 0.85, np.float32))
    for depth in range(5):
        picture = _ridge(picture, depth, rng)
    return _lake(picture, int(height * 0.8), rng)


def _ridge(picture: Pixels, depth: int, rng: np.random.Generator) -> Pixels:
    """Paint one range of hills; ``depth`` 0 is the farthest, 4 the nearest."""
    height, width = picture.shape[:2]
    near = depth / 4
    rough = [_noise(width, 1, step, rng)[0] * step for step in (400, 150, 60, 20, 7)]
    crest = height * (0.42 + 0.1 * depth) + np.sum(rough, axis=0) * (0.28 - 0.04 * depth)
    y = np.mgrid[:height, :width][0].astype(np.float32)
    mask = blurred(np.asarray(np.clip(y - crest + 0.5, 0, 1), np.float32), 0.8)[..., None]
    texture = 1 + 0.1 * near * _noise(width, height, 9, rng)
    texture = texture + 0.06 * _noise(width, height, 70, rng)
    tint = np.array([150 - 96 * near, 172 - 82 * near, 190 - 136 * near])
    return np.asarray(picture * (1 - mask) + np.multiply.outer(texture, tint) * mask, np.float32)


def _lake(picture: Pixels, shore: int, rng: np.random.Generator) -> Pixels:
    """Replace everything below ``shore`` by a rippled mirror image of the part above."""
    height, width = picture.shape[:2]
    rows = np.arange(height - shore)
    mirror = picture[shore - 1 - 2 * rows]
    stretched = _noise(width // 8, height - shore, 3, rng)
    ripple = np.asarray(cv2.resize(stretched, (width, height - shore)), np.float32)[..., None]
    water = blurred(np.asarray(mirror, np.float32), 2.0) * (0.78 + 0.08 * ripple)
    done = picture.copy()
    done[shore:] = water + np.array([0, 4, 10], np.float32)
    return np.asarray(done, np.float32)
