"""Heads, hair and shoulders painted around an averaged face, as one picture with transparency.

Everything is drawn in the geometry of a 200-pixel chip (eyes at y 59, chin near y 188), with room
around it, at twice the resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from tools.examples.averages import Pixels, blurred

Colour = tuple[float, float, float]
Curve = npt.NDArray[np.float64]

SCALE = 2
# The chip's corner lies here on the canvas, in chip pixels.
LEFT, TOP = 160, 130
WIDTH, HEIGHT = 520, 620


@dataclass(frozen=True)
class Style:
    """What is painted around a face.

    Attributes:
        hair: RGB of the hair, 0..255.
        cut: Haircut: ``"long"``, ``"short"``, ``"bob"``, ``"thin"`` or ``"down"`` (a baby's).
        cloth: RGB of the clothes, 0..255.
        shoulders: Half the width of the shoulders, in chip pixels.
        neck: Half the width of the neck, in chip pixels.
        hairline: Height of the hairline in the middle, in chip pixels; negative above the chip.
    """

    hair: Colour
    cut: str
    cloth: Colour
    shoulders: float = 205.0
    neck: float = 58.0
    hairline: float = -14.0


@dataclass(frozen=True)
class Person:
    """A painted person, with straight (not premultiplied) transparency.

    Attributes:
        colour: RGB, 0..255, shape ``(HEIGHT * SCALE, WIDTH * SCALE, 3)``.
        cover: Opacity, 0..1, of the same height and width.
    """

    colour: Pixels
    cover: Pixels


class Canvas:
    """A picture with transparency that shapes and strands are laid on."""

    def __init__(self) -> None:
        self.colour: Pixels = np.zeros((HEIGHT * SCALE, WIDTH * SCALE, 3), np.float32)
        self.cover: Pixels = np.zeros((HEIGHT * SCALE, WIDTH * SCALE), np.float32)

    def lay(self, paint: Pixels | Colour, mask: Pixels) -> None:
        """Paint over the canvas with the opacity ``mask``, 0..1."""
        layer = np.asarray(paint, np.float32)
        part = mask[..., None]
        total = np.maximum(mask + self.cover * (1 - mask), 1e-6)[..., None]
        under = self.colour * self.cover[..., None] * (1 - part)
        self.colour = np.asarray((layer * part + under) / total, np.float32)
        self.cover = np.asarray(mask + self.cover * (1 - mask), np.float32)


def paint_person(face: Pixels, style: Style, seed: int) -> Person:
    """Paint a whole person around an averaged 200x200 face."""
    rng = np.random.default_rng(seed)
    canvas = Canvas()
    skin = _skin_of(face)
    if style.cut in ("long", "bob"):
        _back_hair(canvas, style, rng)
    _shoulders(canvas, style, skin, rng)
    _head(canvas, skin, style)
    _face(canvas, face)
    _hair(canvas, style, rng)
    return Person(canvas.colour, canvas.cover)


def _grid() -> tuple[Pixels, Pixels]:
    """Chip coordinates (x, y) of every pixel of the canvas."""
    y, x = np.mgrid[: HEIGHT * SCALE, : WIDTH * SCALE].astype(np.float32)
    return x / SCALE - LEFT, y / SCALE - TOP


def _skin_of(face: Pixels) -> Colour:
    """The colour of the cheeks and the forehead."""
    patches = [face[20:40, 85:115], face[95:115, 50:65], face[95:115, 135:150]]
    red, green, blue = np.mean([patch.mean(axis=(0, 1)) for patch in patches], axis=0)
    return float(red), float(green), float(blue)


def _times(colour: Colour, factor: float) -> Colour:
    red, green, blue = colour
    return red * factor, green * factor, blue * factor


def _oval(centre: tuple[float, float], radii: tuple[float, float], soft: float) -> Pixels:
    x, y = _grid()
    distance = np.sqrt(((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2)
    edge = (1 - distance) * min(radii) / soft + 0.5
    return np.asarray(np.clip(edge, 0, 1), np.float32)


def _polygon(points: npt.ArrayLike, soft: float) -> Pixels:
    mask = np.zeros((HEIGHT * SCALE, WIDTH * SCALE), np.uint8)
    cv2.fillPoly(mask, [_on_canvas(np.asarray(points, np.float64))], (255.0,), cv2.LINE_AA, 4)
    return blurred(np.asarray(mask / np.float32(255), np.float32), soft * SCALE)


def _on_canvas(points: Curve) -> npt.NDArray[np.int32]:
    """Chip coordinates as the fixed-point pixels (4 bits) that OpenCV draws."""
    moved = (points + np.array([LEFT, TOP])) * SCALE * 16
    return np.asarray(np.rint(moved), np.int32).reshape(-1, 1, 2)


def _spline(points: npt.ArrayLike, count: int = 24) -> Curve:
    """A smooth curve (Catmull-Rom) through the points."""
    knots = np.asarray(points, np.float64)
    padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    place = np.linspace(0, len(knots) - 1 - 1e-9, count)
    first = place.astype(int)
    t = (place - first)[:, None]
    a, b, c, d = (padded[first + step] for step in range(4))
    curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
    return np.asarray((curve + (3 * b - a - 3 * c + d) * t**3) / 2, np.float64)


def _mottled(rng: np.random.Generator, sigma: float) -> Pixels:
    """Smooth noise over the canvas with standard deviation 1."""
    small = rng.standard_normal((HEIGHT // 4, WIDTH // 4)).astype(np.float32)
    soft = blurred(small, sigma)
    soft = np.asarray((soft - soft.mean()) / soft.std(), np.float32)
    return np.asarray(cv2.resize(soft, (WIDTH * SCALE, HEIGHT * SCALE)), np.float32)


def _shoulders(canvas: Canvas, style: Style, skin: Colour, rng: np.random.Generator) -> None:
    _throat(canvas, style, skin)
    x, y = _grid()
    neck, wide = style.neck, style.shoulders
    outline = _spline(
        [
            (100 - neck - 3, 206),
            (100 - neck * 0.5 - wide * 0.33, 228),
            (100 - wide * 0.86, 256),
            (100 - wide * 1.03, 330),
            (100 - wide * 1.1, 640),
        ],
        40,
    )
    collar = _spline([(100 + neck + 3, 206), (100, 236 + 0.1 * neck), (100 - neck - 3, 206)], 30)
    folds = _mottled(rng, 5.0) * 0.04 + _mottled(rng, 2.0) * 0.015
    light = 1.0 + 0.12 * np.tanh((100 - x) / 160) - 0.26 * np.abs((x - 100) / wide) ** 2.5
    light = light - 0.0009 * (y - 250) + folds
    cloth = np.asarray(np.multiply.outer(np.clip(light, 0.2, 1.3), style.cloth), np.float32)
    canvas.lay(cloth, _polygon(np.vstack([outline, _mirrored(outline)[::-1], collar]), 0.8))
    seam = _strokes([collar + np.array([0, 3])], 5)
    canvas.lay(_times(style.cloth, 0.6), blurred(seam, 2.0) * 0.7)


def _throat(canvas: Canvas, style: Style, skin: Colour) -> None:
    x, y = _grid()
    neck = style.neck
    side = _spline([(100 - neck, 120), (100 - neck, 195), (100 - neck - 5, 215), (100, 270)], 40)
    # The shadow of the head on the neck is darkest right under the chin.
    shade = 0.9 - 0.36 * np.exp(-(((y - 192) / 20) ** 2)) - 0.2 * np.abs((x - 100) / neck) ** 3
    colour = np.asarray(np.multiply.outer(np.clip(shade, 0.4, 1), skin), np.float32)
    canvas.lay(colour, _polygon(np.vstack([side, _mirrored(side)[::-1]]), 1.2))


def _mirrored(curve: Curve) -> Curve:
    return np.asarray(curve * np.array([-1, 1]) + np.array([200, 0]), np.float64)


def _head(canvas: Canvas, skin: Colour, style: Style) -> None:
    x, y = _grid()
    for side in (-1, 1):
        ear = _oval((100 + side * 86, 82), (13, 27), 4)
        canvas.lay(_times(skin, 0.72), ear)
        canvas.lay(_times(skin, 0.55), _oval((100 + side * 87, 84), (5, 15), 8) * 0.6)
    skull = np.maximum(_oval((100, 45), (86, 108), 3), _oval((100, 95), (82, 95), 3))
    shade = 1.02 - 0.34 * np.abs((x - 100) / 88) ** 3.2 - 0.18 * np.clip((30 - y) / 100, 0, 1) ** 2
    canvas.lay(np.asarray(np.multiply.outer(shade, skin), np.float32), skull)


def _face(canvas: Canvas, face: Pixels) -> None:
    """Paint the averaged face on the head, in a soft oval inside of the chip."""
    x, y = _grid()
    matrix = np.array([[SCALE, 0, LEFT * SCALE + 0.5], [0, SCALE, TOP * SCALE + 0.5]])
    size = (WIDTH * SCALE, HEIGHT * SCALE)
    layer = cv2.warpAffine(
        face, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    taper = 80 - 36 * np.clip((y - 110) / 85, 0, 1) ** 2
    across = np.clip((taper - np.abs(x - 100)) / 12, 0, 1)
    down = np.clip(y / 24, 0, 1) * np.clip((196 - y) / 8, 0, 1)
    mask = np.asarray(across * down, np.float32)
    canvas.lay(np.asarray(layer, np.float32), blurred(mask * mask * (3 - 2 * mask), 2.5))


def _strokes(curves: list[Curve], width: int) -> Pixels:
    mask = np.zeros((HEIGHT * SCALE, WIDTH * SCALE), np.uint8)
    drawn = [_on_canvas(curve) for curve in curves]
    cv2.polylines(mask, drawn, False, (255.0,), width, cv2.LINE_AA, 4)
    return np.asarray(mask / np.float32(255), np.float32)


def _hair(canvas: Canvas, style: Style, rng: np.random.Generator) -> None:
    strands = {"long": 5200, "bob": 4600, "short": 9000, "thin": 4200, "down": 3800}[style.cut]
    opacity = {"thin": 0.62, "down": 0.5}.get(style.cut, 0.96)
    _under(canvas, style, 0.6 * opacity)
    make = _falling if style.cut in ("long", "bob") else _cropped
    _comb(canvas, [make(rng, style) for _ in range(strands)], style, rng, opacity)


def _comb(
    canvas: Canvas,
    strands: list[Curve],
    style: Style,
    rng: np.random.Generator,
    opacity: float,
) -> None:
    """Draw strands, each with its own tone, and light them."""
    size = (HEIGHT * SCALE, WIDTH * SCALE)
    tone = np.full(size, 110, np.uint8)
    mask = np.zeros(size, np.uint8)
    for strand in strands:
        line = [_on_canvas(strand)]
        bright = 84 + 78 * rng.random() ** 1.3
        cv2.polylines(tone, line, False, (float(bright),), 2, cv2.LINE_AA, 4)
        cv2.polylines(mask, line, False, (255.0,), 2, cv2.LINE_AA, 4)
    x, y = _grid()
    dome = np.sqrt(((x - 100) / 95) ** 2 + ((y - 40) / 118) ** 2)
    # Hair shines in a band below the crown and is darker towards its outline.
    sheen = 0.9 + 0.3 * np.exp(-(((dome - 0.82) / 0.1) ** 2)) * (y < 40) - 0.25 * (dome > 0.97)
    light = blurred(np.asarray(sheen, np.float32), 10.0) * (1 + 0.08 * _mottled(rng, 3.0))
    shade = blurred(np.asarray(tone, np.float32), 0.8) / 128 * light
    cover = blurred(np.asarray(mask / np.float32(255), np.float32), 0.9) * opacity
    canvas.lay(np.asarray(np.multiply.outer(shade, style.hair), np.float32), cover)


def _under(canvas: Canvas, style: Style, strength: float) -> None:
    """The shadow of the hair on the skull, so that no bare skin shows between strands."""
    x, y = _grid()
    across = np.clip(np.abs(x - 100) / 88, 0, 1)
    line = style.hairline + (62 - style.hairline) * across**3.2
    mask = np.asarray(np.clip((line - y) / 16 + 0.4, 0, 1), np.float32)
    skull = _oval((100, 40), (90, 114), 6)
    canvas.lay(_times(style.hair, 0.6), blurred(mask * skull, 4.0) * strength)


def _falling(rng: np.random.Generator, style: Style) -> Curve:
    """A strand from the parting, along the side of the head, down to its length."""
    line, length = style.hairline, 285.0 if style.cut == "long" else 176.0
    side = rng.choice((-1.0, 1.0))
    out = rng.random() ** 0.8
    wave = rng.normal(0, 2.5, 5)
    curl = 1.0 if style.cut == "long" else 0.75
    start = line - 2 - out * (62 + line) + rng.normal(0, 2)
    end = length + rng.normal(0, 9) - 12 * out
    knots = [
        (1 + abs(rng.normal(0, 2)), start),
        (42 + 12 * out, line + 2 - 50 * out + wave[0]),
        (79 + 12 * out + wave[1] * 0.6, 34 - 26 * out),
        (84 + 20 * out + wave[2], 96),
        (81 + 30 * out + wave[3], 96 + (end - 96) * 0.55),
        ((70 + 44 * out) * curl + wave[4] * 2, end),
    ]
    return _spline(np.array(knots) * np.array([side, 1]) + np.array([100, 0]), 26)


def _cropped(rng: np.random.Generator, style: Style) -> Curve:
    """A short strand somewhere on the scalp, lying along it: sideways on top, down at the sides."""
    angle = rng.uniform(-1.6, 1.6)
    depth = rng.random() ** 0.85
    sine, cosine = np.sin(angle), np.cos(angle)
    low = style.hairline + (64 - style.hairline) * abs(sine) ** 3.2
    edge = np.array([(87 - 3 * abs(sine)) * sine, low + rng.normal(0, 2.5)])
    dome = np.array([92 * sine, 40 - 110 * cosine])
    root = edge + (dome - edge) * depth
    length = {"short": 34.0, "thin": 22.0}.get(style.cut, 20.0) * rng.uniform(0.4, 1.0)
    # Combed from a parting on one side; the outermost strands must not stand off the head.
    turn = np.tanh((sine + 0.45) * 4)
    along = np.array([turn * (0.1 + 0.85 * cosine), abs(sine) ** 1.3 - 0.18 * cosine])
    along = (along + rng.normal(0, 0.1, 2)) * length * (1 - 0.45 * abs(sine))
    points = np.array([root, root + along * 0.5 + np.array([0, -1.5]), root + along])
    return _spline(points + np.array([100, 0]), 9)


def _back_hair(canvas: Canvas, style: Style, rng: np.random.Generator) -> None:
    low = 280.0 if style.cut == "long" else 172.0
    half = [(8, -62), (58, -46), (92, 0), (100, 90), (106, 0.6 * low), (92, low - 10), (50, low)]
    side = _spline(half, 50) + np.array([100, 0])
    tone = np.clip(0.45 + 0.05 * _mottled(rng, 2.0), 0.3, 0.6)
    shape = _polygon(np.vstack([side, _mirrored(side)[::-1]]), 2.0)
    canvas.lay(np.asarray(np.multiply.outer(tone, style.hair), np.float32), shape)
