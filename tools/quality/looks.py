"""Pictures of faces in unusual looks: negatives, false colours, drawings; and usual lookalikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.quality.face_frame import FaceFrame, Floats, Image, Painter, any_colour, painted
from utkage.faces.contract import Point

Random = np.random.Generator
Landmarks = Sequence[Point]

# Colour maps of OpenCV that look like no photograph; bone and pink look like grey and sepia.
_COLOUR_MAPS = (
    *(cv2.COLORMAP_AUTUMN, cv2.COLORMAP_JET, cv2.COLORMAP_WINTER, cv2.COLORMAP_RAINBOW),
    *(cv2.COLORMAP_OCEAN, cv2.COLORMAP_SUMMER, cv2.COLORMAP_SPRING, cv2.COLORMAP_COOL),
    *(cv2.COLORMAP_HSV, cv2.COLORMAP_HOT, cv2.COLORMAP_PARULA, cv2.COLORMAP_MAGMA),
    *(cv2.COLORMAP_INFERNO, cv2.COLORMAP_PLASMA, cv2.COLORMAP_VIRIDIS, cv2.COLORMAP_TURBO),
)


def negative(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """The negative, in colour or grey."""
    result = 255 - image
    return _grey3(result) if random.random() < 0.4 else result


def false_colour(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Channels in another order, hues turned, a colour map, or a strong tint of one colour."""
    kind = random.random()
    result: NDArray[Any]
    if kind < 0.3:
        order = [(2, 1, 0), (1, 0, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1)][random.integers(5)]
        result = np.ascontiguousarray(_vivid(image, 35)[..., order])
    elif kind < 0.5:
        hsv = cv2.cvtColor(_vivid(image, 50), cv2.COLOR_RGB2HSV)
        shift = int(random.integers(35, 145))
        hsv[..., 0] = (hsv[..., 0].astype(int) + shift) % 180
        result = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    elif kind < 0.75:
        chosen = _COLOUR_MAPS[random.integers(len(_COLOUR_MAPS))]
        result = cv2.applyColorMap(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), chosen)[..., ::-1]
    else:
        bright = _grey(image)[..., None] / 255
        hue = np.array([[[random.integers(180), 255, 255]]], dtype=np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)
        pale = random.uniform(0.0, 0.2)
        result = (bright * (255 * pale + (1 - pale) * colour)).astype(np.uint8)
    return np.ascontiguousarray(result)


def line_drawing(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Edges only, dark on light or light on dark, or a pencil sketch."""
    grey = _grey(image)
    unit = FaceFrame.of(landmarks).unit
    kind = random.random()
    if kind < 0.35:
        soft = cv2.GaussianBlur(grey, (0, 0), max(0.6, 0.015 * unit)).astype(np.uint8)
        middle = float(np.median(soft))
        edges = cv2.Canny(soft, 0.35 * middle, random.uniform(0.6, 1.1) * middle)
        if unit > 80:
            edges = cv2.dilate(edges, np.ones((2, 2), np.uint8))
        result = edges if random.random() < 0.4 else 255 - edges
    elif kind < 0.65:
        # Dodging: the picture over its blurred negative.
        base = cv2.GaussianBlur(255 - grey, (0, 0), random.uniform(0.03, 0.12) * unit + 0.5)
        result = (grey * 255 / np.maximum(255 - base, 1)).clip(0, 255).astype(np.uint8)
    elif kind < 0.85:
        block = max(3, int(0.2 * unit) | 1)
        result = cv2.adaptiveThreshold(
            grey.astype(np.uint8),
            255,
            cv2.ADAPTIVE_THRESH_GAUSSIAN_C,
            cv2.THRESH_BINARY,
            block,
            random.uniform(4, 9),
        )
    else:
        fine = cv2.GaussianBlur(grey, (0, 0), max(0.5, 0.02 * unit))
        emboss = fine - np.roll(np.roll(fine, 2, 0), 2, 1)
        result = (128 + 3 * emboss).clip(0, 255).astype(np.uint8)
    paper = np.full(3, 255.0) if random.random() < 0.7 else random.uniform(190, 255, 3)
    return np.asarray(result[..., None] / 255 * paper, dtype=np.uint8)


def few_tones(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Two to four tones: posterised, a stencil, solarised, or halftone dots."""
    unit = FaceFrame.of(landmarks).unit
    soft: NDArray[Any] = cv2.GaussianBlur(image, (0, 0), max(0.5, 0.02 * unit))
    kind = random.random()
    if kind < 0.4:
        levels = int(random.integers(2, 5))
        steps = np.floor(soft.astype(np.float32) / 256 * levels)
        result = steps * (255 / (levels - 1))
    elif kind < 0.65:
        grey = _grey(soft)
        bounds = np.quantile(grey, [0.4] if random.random() < 0.6 else [0.3, 0.65])
        tones = np.digitize(grey, bounds)
        colours = np.sort(random.uniform(0, 255, (len(bounds) + 1, 3)), axis=0)
        if random.random() < 0.6:
            colours = np.linspace(0, 255, len(bounds) + 1)[:, None] * np.ones(3)
        result = colours[tones]
    elif kind < 0.85:
        above = soft > random.uniform(90, 140)
        result = np.where(above, 255 - soft, soft) * 1.8
    else:
        grey = cv2.equalizeHist(_grey(soft).astype(np.uint8)) / 255
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        pitch = np.pi / max(2.0, random.uniform(0.06, 0.1) * unit)
        dots = (np.sin((x + y) * pitch) * np.sin((x - y) * pitch) + 1) / 2
        result = 255 * (grey > dots)[..., None] * np.ones(3)
    return np.asarray(np.clip(result, 0, 255), dtype=np.uint8)


def cartoon(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Flat areas of strong colours with dark outlines, as in comics."""
    unit = FaceFrame.of(landmarks).unit
    flat: NDArray[Any] = image
    for _ in range(4):
        flat = cv2.bilateralFilter(flat, 7, 40, max(2.0, 0.08 * unit))
    levels = random.integers(4, 7)
    flat = (np.floor(flat.astype(np.float32) / 256 * levels) + 0.5) * (256 / levels)
    hsv = cv2.cvtColor(flat.clip(0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 1] *= random.uniform(1.2, 2.0)
    flat = cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    grey = cv2.medianBlur(_grey(image).astype(np.uint8), 5)
    block = max(5, int(random.uniform(0.12, 0.25) * unit) | 1)
    lines = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, random.uniform(4, 7)
    )
    return np.asarray(flat * (lines[..., None] > 0), dtype=np.uint8)


def drawn_face(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A face drawn with flat shapes over the real one: head, hair, eyes, brows, nose, mouth."""
    frame = FaceFrame.of(landmarks)
    result = np.broadcast_to(any_colour(random), image.shape).astype(np.uint8)
    outline = random.uniform(0, 60, 3)
    tones = [(245, 205, 175), (220, 170, 130), (150, 100, 70), (255, 220, 90), (250, 250, 250)]
    skin = np.array(tones[random.integers(len(tones))], dtype=np.float32)
    wide, thick = random.uniform(0.95, 1.15), random.uniform(0.02, 0.07)
    head = (0.0, random.uniform(0.25, 0.4))
    hair = any_colour(random)
    result = painted(result, frame.ellipse(image, (0, 0.0), (wide + 0.25, 1.35)), hair)
    result = _outlined(result, frame, (head, (wide, 1.3)), skin, outline, thick)
    result = painted(result, frame.ellipse(image, (0, -0.95), (wide * 0.9, 0.35)), hair)
    half = (random.uniform(0.14, 0.26), random.uniform(0.1, 0.24))
    for side in (-0.5, 0.5):
        white = np.full(3, 255.0, dtype=np.float32)
        result = _outlined(result, frame, ((side, 0), half), white, outline, thick)
        iris = random.uniform(0, 110, 3)
        round_ = (0.6 * min(half), 0.6 * min(half))
        result = painted(result, frame.ellipse(image, (side, 0), round_), iris)
        brow = [(side - 0.22, -0.33), (side, -0.4), (side + 0.22, -0.33)]
        result = painted(result, frame.line(image, brow, thick * 1.5), outline)
    nose = [(0.05, 0.25), (-0.1, 0.58), (0.06, 0.6)]
    result = painted(result, frame.line(image, nose, thick), outline)
    mouth = ((0.0, 0.95), (random.uniform(0.25, 0.42), random.uniform(0.05, 0.16)))
    red = np.array([190, 60, 60], dtype=np.float32) * random.uniform(0.6, 1.2)
    return _outlined(result, frame, mouth, red, outline, thick)


LOOKS: Mapping[str, Painter] = {
    "negative": negative,
    "false colour": false_colour,
    "line drawing": line_drawing,
    "few tones": few_tones,
    "cartoon": cartoon,
    "drawn face": drawn_face,
}


def grey_picture(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A black and white photograph."""
    return _grey3(image)


def sepia(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A faded photograph in brown."""
    tint = np.array([1.0, random.uniform(0.8, 0.93), random.uniform(0.6, 0.85)])
    low, high = random.uniform(0, 50), random.uniform(200, 255)
    return np.asarray((low + _grey(image)[..., None] / 255 * (high - low)) * tint, dtype=np.uint8)


def coloured_light(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A wrong white balance, too much or too little colour."""
    gains = random.uniform(0.8, 1.2, 3)
    grey = _grey(image)[..., None]
    mixed = grey + (image - grey) * random.uniform(0.4, 1.4)
    return np.asarray((mixed * gains).clip(0, 255), dtype=np.uint8)


def dark_or_bright(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Too dark, too bright, or too much contrast."""
    gamma = np.exp(random.uniform(-0.9, 0.9))
    contrast = random.uniform(0.6, 1.6)
    value = (image / 255.0) ** gamma
    return np.asarray(((value - 0.5) * contrast + 0.5).clip(0, 1) * 255, dtype=np.uint8)


USUAL_LOOKS: Mapping[str, Painter] = {
    "grey": grey_picture,
    "sepia": sepia,
    "coloured light": coloured_light,
    "dark or bright": dark_or_bright,
}


def _outlined(
    image: Image,
    frame: FaceFrame,
    place: tuple[Point, Point],
    colour: Floats,
    outline: Floats,
    thick: float,
) -> Image:
    centre, half = place
    outer = frame.ellipse(image, centre, (half[0] + thick, half[1] + thick))
    return painted(painted(image, outer, outline), frame.ellipse(image, centre, half), colour)


def _grey(image: Image) -> Floats:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _grey3(image: Image) -> Image:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def _vivid(image: Image, least: float) -> Image:
    """The picture with so much colour that other hues are seen; ``least`` of 255 on average."""
    grey = _grey(image)[..., None]
    spread = image.max(axis=2).astype(np.float32) - image.min(axis=2)
    if float(spread.mean()) < 8:
        # Grey pictures have no hue to change.
        grey = grey * np.array([1.1, 0.9, 0.7], dtype=np.float32)
        return np.asarray(grey.clip(0, 255), dtype=np.uint8)
    more = max(1.0, least / max(float(spread.mean()), 1.0))
    return np.asarray((grey + (image - grey) * more).clip(0, 255), dtype=np.uint8)
