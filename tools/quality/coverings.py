"""Coverings painted on faces: masks, bars, sunglasses, scarves, hands and objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.quality.face_frame import (
    FaceFrame,
    Floats,
    Image,
    Painter,
    any_colour,
    fabric,
    painted,
)
from utkage.faces.contract import Point

Random = np.random.Generator
Landmarks = Sequence[Point]


def mask(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A surgical or fabric mask over mouth and chin, mostly over the nose as well."""
    frame = FaceFrame.of(landmarks)
    nose = random.uniform(0.1, 0.45) if random.random() < 0.85 else random.uniform(0.6, 0.72)
    side, wide = nose + random.uniform(0.0, 0.3), random.uniform(0.75, 1.05)
    low = random.uniform(1.4, 1.7)
    outline = [
        *((-wide, side), (-0.35, nose + 0.05), (0, nose), (0.35, nose + 0.05), (wide, side)),
        *((0.9 * wide, 1.1), (0.45, low - 0.08), (0, low), (-0.45, low - 0.08), (-0.9 * wide, 1.1)),
    ]
    result = image
    if random.random() < 0.7:
        colour = any_colour(random)
        for edge in (-1, 1):
            for start, end in ((side, random.uniform(-0.2, 0.2)), (1.1, random.uniform(0.3, 0.9))):
                strap = frame.line(image, [(edge * wide, start), (edge * 1.3, end)], 0.03)
                result = painted(result, strap, colour)
    filling = fabric(image, frame.unit, random)
    result = painted(result, frame.shape(image, outline, smooth=random.random() < 0.7), filling)
    shade = filling.mean(axis=(0, 1)) * random.uniform(0.6, 0.9)
    kind = random.random()
    if kind < 0.5:
        for height in np.linspace(nose + 0.25, low - 0.35, int(random.integers(2, 5))):
            fold = [(-0.8 * wide, height), (0, height + 0.06), (0.8 * wide, height)]
            result = painted(result, frame.line(image, fold, 0.025), shade)
    elif kind < 0.75:
        seam = frame.line(image, [(0, nose + 0.05), (0, low - 0.05)], 0.03)
        result = painted(result, seam, shade)
    return result


def scarf(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A scarf over mouth and chin, mostly over the nose; or a veil with a slit for the eyes."""
    frame = FaceFrame.of(landmarks)
    filling = fabric(image, frame.unit, random)
    if random.random() < 0.3:
        whole = frame.ellipse(image, (0, 0.35), (random.uniform(1.15, 1.5), 1.9), 2.6)
        slit = frame.ellipse(image, (0, 0), (random.uniform(0.75, 1.0), 0.3), 3.0)
        shape: Floats = whole * (1 - slit)
    else:
        x = np.linspace(-1.7, 1.7, 9)
        top = random.uniform(0.15, 0.65) + random.uniform(-0.15, 0.25) * np.abs(x)
        top = np.maximum(top + random.uniform(-0.08, 0.08, 9), 0.1)
        outline = [*zip(x, top, strict=True), (1.9, 2.6), (-1.9, 2.6)]
        shape = frame.shape(image, outline, smooth=True)
    result = painted(image, shape, filling)
    for _ in range(int(random.integers(0, 5))):
        start = random.uniform(0.5, 1.7)
        fold = [(x, start + random.uniform(-0.2, 0.2)) for x in (-1.4, -0.5, 0.4, 1.4)]
        line = cv2.GaussianBlur(frame.line(image, fold, 0.07), (0, 0), 0.03 * frame.unit + 0.3)
        result = painted(result, line * shape * 0.7, filling * random.uniform(0.4, 0.8))
    return result


def bar(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A bar or box of one colour or pattern over the eyes, the mouth, or a half of the face."""
    frame = FaceFrame.of(landmarks)
    centre, half = _region(random)
    if random.random() < 0.6:
        filling: Floats = np.full(3, random.choice([0, 0, 127, 255, random.uniform(0, 255)]))
    else:
        filling = fabric(image, frame.unit, random)
    shape = frame.ellipse(image, centre, half, 30.0, random.uniform(-12, 12))
    return painted(image, shape, filling)


def sunglasses(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Two dark or mirrored lenses in a frame."""
    frame = FaceFrame.of(landmarks)
    lenses, rim = _glasses(image, frame, random, random.uniform(0.36, 0.56))
    dark = random.uniform(0, 45, 3) if random.random() < 0.75 else random.uniform(0, 150, 3)
    filling: Floats = np.broadcast_to(dark, image.shape).astype(np.float32)
    height = frame.pixels([(0, -0.4), (0, 0.5)])[:, 1]
    down = np.interp(np.arange(image.shape[0]), height, [0, 1])[:, None]
    if random.random() < 0.4:
        filling = filling + (down * random.uniform(0, 90))[..., None]
    opacity: Floats = np.asarray(random.uniform(0.8, 1.0), dtype=np.float32)
    if random.random() < 0.3:
        opacity = np.asarray(1.0 - down * random.uniform(0.05, 0.35), dtype=np.float32)
    result = painted(image, lenses * opacity, filling)
    if random.random() < 0.4:
        x, y = random.uniform(-0.6, 0.4), random.uniform(-0.2, 0.2)
        glare = frame.line(image, [(x, y), (x + 0.25, y - 0.2)], random.uniform(0.03, 0.12))
        result = painted(result, glare * lenses * random.uniform(0.2, 0.7), np.full(3, 255.0))
    colour = random.uniform(0, 60, 3) if random.random() < 0.7 else any_colour(random)
    return painted(result, rim, colour)


def hand(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A hand with fingers over the mouth, the eyes, or a half of the face."""
    frame = FaceFrame.of(landmarks)
    centre, _ = _region(random)
    return paint_hand(image, frame, (centre[0], centre[1]), random)


def held_object(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A cup, a telephone, a ball or a sheet of paper in front of the face."""
    frame = FaceFrame.of(landmarks)
    centre, half = _region(random)
    half = (max(half[0], 0.5), max(half[1], 0.45))
    power = random.choice([2.0, 3.0, 6.0, 20.0])
    shape = frame.ellipse(image, centre, half, power, random.uniform(-40, 40))
    result = painted(image, shape, fabric(image, frame.unit, random))
    if random.random() < 0.5:
        inner = (half[0] * random.uniform(0.4, 0.8), half[1] * random.uniform(0.4, 0.8))
        shape = frame.ellipse(image, centre, inner, power, random.uniform(-40, 40))
        result = painted(result, shape, fabric(image, frame.unit, random))
    return result


def mosaic(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """The eyes, the mouth or a half of the face in coarse squares or smeared."""
    frame = FaceFrame.of(landmarks)
    centre, half = _region(random)
    shape = frame.ellipse(image, centre, half, random.choice([2.0, 20.0]))
    height, width = image.shape[:2]
    if random.random() < 0.6:
        step = max(2, round(random.uniform(0.17, 0.3) * frame.unit))
        small = cv2.resize(
            image, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA
        )
        hidden = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    else:
        hidden = cv2.GaussianBlur(image, (0, 0), max(1.0, random.uniform(0.2, 0.3) * frame.unit))
    return painted(image, shape, hidden.astype(np.float32))


COVERINGS: Mapping[str, Painter] = {
    "mask": mask,
    "scarf or veil": scarf,
    "bar": bar,
    "sunglasses": sunglasses,
    "hand": hand,
    "object": held_object,
    "mosaic or smear": mosaic,
}


def clear_glasses(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Spectacles: a frame, and lenses with little tint and sometimes a reflection."""
    frame = FaceFrame.of(landmarks)
    lenses, rim = _glasses(image, frame, random, random.uniform(0.3, 0.5))
    result = painted(image, lenses * random.uniform(0, 0.15), any_colour(random))
    if random.random() < 0.4:
        x, y = random.uniform(-0.7, 0.5), random.uniform(-0.2, 0.2)
        glare = frame.line(image, [(x, y), (x + 0.15, y - 0.15)], random.uniform(0.02, 0.08))
        result = painted(result, glare * lenses * random.uniform(0.2, 0.8), np.full(3, 255.0))
    colour = random.uniform(0, 60, 3) if random.random() < 0.6 else any_colour(random)
    return painted(result, rim * random.uniform(0.5, 1.0), colour)


def beard(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A beard around the mouth, which stays visible."""
    frame = FaceFrame.of(landmarks)
    wide, top = random.uniform(0.7, 0.95), random.uniform(0.65, 0.9)
    low = random.uniform(1.5, 2.2)
    outline = [
        *((-wide, 0.4), (-0.6 * wide, top + 0.1), (-0.2, top - 0.05), (0.2, top - 0.05)),
        *((0.6 * wide, top + 0.1), (wide, 0.4), (0.75 * wide, 1.3), (0, low), (-0.75 * wide, 1.3)),
    ]
    lips = frame.ellipse(image, (0, 0.97), (random.uniform(0.36, 0.5), 0.17))
    shape = frame.shape(image, outline, smooth=True) * (1 - lips)
    soft = cv2.GaussianBlur(shape, (0, 0), 0.05 * frame.unit + 0.3) * random.uniform(0.5, 0.95)
    grey = random.uniform(15, 90) if random.random() < 0.7 else random.uniform(120, 230)
    hair: NDArray[Any] = random.normal(0, 1, image.shape[:2]).astype(np.float32)
    hair = cv2.GaussianBlur(hair, (0, 0), 0.02 * frame.unit + 0.2, sigmaY=0.06 * frame.unit + 0.2)
    hair = hair / max(float(hair.std()), 1e-6) * random.uniform(8, 25)
    brown = np.array([1.0, 0.85, 0.7]) if random.random() < 0.5 else np.ones(3)
    return painted(image, soft, ((grey + hair)[..., None] * brown).clip(0, 255))


def headgear(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A hat, a hood or a headscarf around the face, which stays visible from brows to chin."""
    frame = FaceFrame.of(landmarks)
    filling = fabric(image, frame.unit, random)
    wide = random.uniform(0.9, 1.15)
    if random.random() < 0.5:
        brim = random.uniform(-0.75, -0.5)
        outline = [(-1.6, brim), (0, brim + random.uniform(-0.1, 0.05)), (1.6, brim)]
        shape = frame.shape(image, [*outline, (1.6, -2.5), (-1.6, -2.5)])
    else:
        middle = random.uniform(0.3, 0.4)
        face = frame.ellipse(image, (0, middle), (wide, random.uniform(1.2, 1.4)), 2.3)
        shape = 1 - face
    return painted(image, shape, filling)


def hand_below(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A hand at the chin or beside the cheek, which hides no feature."""
    frame = FaceFrame.of(landmarks)
    if random.random() < 0.5:
        centre = (random.uniform(-0.6, 0.6), random.uniform(2.0, 2.3))
    else:
        centre = (random.choice([-1, 1]) * random.uniform(1.5, 1.8), random.uniform(0.3, 1.5))
    return paint_hand(image, frame, centre, random)


PLAIN_ADDITIONS: Mapping[str, Painter] = {
    "clear glasses": clear_glasses,
    "beard": beard,
    "hat, hood or headscarf": headgear,
    "hand at the chin": hand_below,
}


def paint_hand(image: Image, frame: FaceFrame, centre: Point, random: Random) -> Image:
    """Three to five fingers side by side and a palm, in a colour like that of the face."""
    skin = frame.skin(image) * random.uniform(0.7, 1.25) + random.uniform(-10, 10, 3)
    thick = random.uniform(0.26, 0.38)
    count = int(random.integers(3, 6))
    angle = np.deg2rad(random.uniform(-75, 75) + (90 if random.random() < 0.3 else 0))
    along = np.array([np.sin(angle), -np.cos(angle)])
    beside = np.array([along[1], -along[0]])
    result = image
    palm = np.asarray(centre) - along * random.uniform(0.5, 0.9)
    half = (thick * count * 0.55, random.uniform(0.5, 0.9))
    shape = frame.ellipse(image, (palm[0], palm[1]), half, 3.0, float(np.rad2deg(angle)))
    result = _rounded(result, shape, skin, frame, thick)
    for finger in range(count):
        shift = (finger - (count - 1) / 2) * thick * random.uniform(0.95, 1.1)
        start = palm + beside * shift
        end = np.asarray(centre) + beside * shift + along * random.uniform(0.3, 0.8)
        shape = frame.line(image, [start, end], thick * random.uniform(0.9, 1.0))
        result = _rounded(result, shape, skin * random.uniform(0.95, 1.05), frame, thick)
        if random.random() < 0.3:
            nail = frame.ellipse(image, (end[0], end[1]), (0.08, 0.1))
            result = painted(result, nail * 0.6, skin * 1.15 + 10)
    return result


def _rounded(image: Image, shape: Floats, colour: Floats, frame: FaceFrame, thick: float) -> Image:
    """A shape that is darker towards its edge."""
    inside = (shape > 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3) / max(0.5 * thick * frame.unit, 1.0)
    light = 0.6 + 0.4 * np.sqrt(depth.clip(0, 1))
    return painted(image, shape, (light[..., None] * colour).clip(0, 255))


def _glasses(image: Image, frame: FaceFrame, random: Random, wide: float) -> tuple[Floats, Floats]:
    """Lenses, and the rim with bridge and temples; each 0..1, (H, W)."""
    high = wide * random.uniform(0.6, 1.0)
    power = random.choice([2.0, 2.5, 4.0, 8.0])
    thick = random.uniform(0.02, 0.09)
    away, drop = max(0.5, wide + 0.06), random.uniform(-0.02, 0.1)
    lenses: Floats = np.zeros(image.shape[:2], dtype=np.float32)
    rim = frame.line(image, [(-away + wide, drop - 0.05), (away - wide, drop - 0.05)], thick)
    for edge in (-1, 1):
        lens = frame.ellipse(image, (edge * away, drop), (wide, high), power)
        outer = (wide + thick, high + thick)
        border = frame.ellipse(image, (edge * away, drop), outer, power)
        lenses = np.maximum(lenses, lens)
        rim = np.maximum(rim, border * (1 - lens))
        temple = [(edge * (away + wide), drop - 0.1), (edge * 1.35, drop - 0.12)]
        rim = np.maximum(rim, frame.line(image, temple, thick) * (1 - lens))
    return lenses, rim


def _region(random: Random) -> tuple[Point, Point]:
    """Centre and half axes of a part of the face that matters: eyes, mouth, or a half."""
    kind = random.random()
    if kind < 0.3:
        centre = (random.uniform(-0.08, 0.08), random.uniform(-0.08, 0.08))
        return centre, (random.uniform(0.8, 1.3), random.uniform(0.2, 0.45))
    if kind < 0.6:
        centre = (random.uniform(-0.15, 0.15), random.uniform(0.75, 1.1))
        return centre, (random.uniform(0.55, 1.1), random.uniform(0.3, 0.6))
    if kind < 0.8:
        side = random.choice([-1, 1])
        centre = (side * random.uniform(0.5, 0.8), random.uniform(0.1, 0.6))
        return centre, (random.uniform(0.5, 0.8), random.uniform(0.7, 1.6))
    if kind < 0.9:
        return (0, random.uniform(1.3, 1.7)), (random.uniform(0.9, 1.5), random.uniform(0.8, 1.0))
    return (0, random.uniform(-0.5, -0.3)), (random.uniform(0.9, 1.5), random.uniform(0.6, 0.8))
