"""Boxes and labels on pictures, legible on any background and with any colour vision.

Colour carries no meaning: boxes are light with a dark rim and labels are white on near-black, so
lightness alone separates them from the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Rect = tuple[int, int, int, int]

# Yellow of Okabe and Ito's palette for colour-blind readers.
_BOX_COLOUR = (240, 228, 66)
_DARK = (20, 20, 20)
_WHITE = (255, 255, 255)

# Labels shrink only if the picture is too crowded for the larger text.
_FONT_STEPS = (1.0, 0.85, 0.7, 0.55)
_MIN_FONT = 9


@dataclass(frozen=True)
class Annotation:
    """One box, (x0, y0, x1, y1) in pixels, and the lines of its label; none for a box alone.

    The box may reach beyond the picture.
    """

    box: Box
    lines: tuple[str, ...]


def annotate(rgb: NDArray[np.uint8], annotations: Sequence[Annotation]) -> NDArray[np.uint8]:
    """Draw boxes and labels on a copy of ``rgb``.

    Line width and text grow with the picture. Labels stay inside the picture and, where there is
    room, clear of each other and of the other boxes; those of earlier annotations are placed
    first. Pictures are uint8 RGB, (height, width, 3).
    """
    canvas = Image.fromarray(np.ascontiguousarray(rgb))
    stroke = max(1, round(max(canvas.size) / 400))
    draw = ImageDraw.Draw(canvas)
    for annotation in annotations:
        _draw_box(draw, annotation.box, stroke)
    labelled = [annotation for annotation in annotations if annotation.lines]
    tiles, places = _fit_labels(canvas.size, labelled)
    for tile, (x0, y0, x1, y1) in zip(tiles, places, strict=True):
        canvas.paste(tile.crop((0, 0, x1 - x0, y1 - y0)), (x0, y0))
    return np.array(canvas)


def place_labels(picture: Size, boxes: Sequence[Box], sizes: Sequence[Size]) -> list[Rect]:
    """Choose the place of each label: above its box if possible, else below, beside or inside.

    A label takes the candidate place that covers least of earlier labels, then of other boxes,
    then of its own box. ``sizes`` are those of the labels, which are cut to the picture.
    """
    placed: list[Rect] = []
    for index, (box, size) in enumerate(zip(boxes, sizes, strict=True)):
        others = [other for at, other in enumerate(boxes) if at != index]
        candidates = _candidates(picture, box, size)
        costs = [
            (
                sum(_overlap(place, other) for other in placed),
                sum(_overlap(place, other) for other in others),
                _overlap(place, box),
                rank,
            )
            for rank, place in enumerate(candidates)
        ]
        placed.append(candidates[min(costs)[-1]])
    return placed


def _fit_labels(
    picture: Size, annotations: Sequence[Annotation]
) -> tuple[list[Image.Image], list[Rect]]:
    largest = max(_MIN_FONT + 2, min(96, round(max(picture) / 55)))
    boxes = [annotation.box for annotation in annotations]
    best: tuple[float, list[Image.Image], list[Rect]] | None = None
    for step in _FONT_STEPS:
        size = max(_MIN_FONT, round(largest * step))
        tiles = [_label_tile(annotation.lines, size) for annotation in annotations]
        places = place_labels(picture, boxes, [tile.size for tile in tiles])
        cost = sum(_overlap(*pair) for pair in combinations(places, 2)) + sum(
            tile.width * tile.height - (x1 - x0) * (y1 - y0)
            for tile, (x0, y0, x1, y1) in zip(tiles, places, strict=True)
        )
        if best is None or cost < best[0]:
            best = (cost, tiles, places)
        if cost == 0:
            break
    return ([], []) if best is None else best[1:]


def _label_tile(lines: tuple[str, ...], font_size: int) -> Image.Image:
    font = ImageFont.load_default(font_size)
    margin = max(2, font_size // 4)
    line_height = round(font_size * 1.25)
    text_width = max(round(font.getlength(line)) for line in lines)
    size = (text_width + 2 * margin, line_height * len(lines) + margin)
    tile = Image.new("RGB", size, color=_DARK)
    draw = ImageDraw.Draw(tile)
    for row, line in enumerate(lines):
        draw.text((margin, margin // 2 + row * line_height), line, font=font, fill=_WHITE)
    return tile


def _draw_box(draw: ImageDraw.ImageDraw, box: Box, stroke: int) -> None:
    x0, y0, x1, y1 = (round(value) for value in box)
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    rim = max(1, stroke // 2)
    for grow, width, colour in ((rim, stroke + 2 * rim, _DARK), (0, stroke, _BOX_COLOUR)):
        outline = (x0 - grow, y0 - grow, x1 + grow, y1 + grow)
        draw.rectangle(outline, outline=colour, width=width)


def _candidates(picture: Size, box: Box, size: Size) -> list[Rect]:
    x0, y0, x1, y1 = (round(value) for value in box)
    width, height = size
    corners = (
        (x0, y0 - height),
        (x1 - width, y0 - height),
        (x0, y1),
        (x1 - width, y1),
        (x1, y0),
        (x0 - width, y0),
        (x1, y1 - height),
        (x0 - width, y1 - height),
        (x0, y1 - height),
        (x0, y0),
        ((x0 + x1 - width) // 2, y0 - 2 * height),
        ((x0 + x1 - width) // 2, y1 + height),
    )
    return [_inside(picture, corner, size) for corner in corners]


def _inside(picture: Size, corner: tuple[int, int], size: Size) -> Rect:
    width, height = min(size[0], picture[0]), min(size[1], picture[1])
    x = min(max(corner[0], 0), picture[0] - width)
    y = min(max(corner[1], 0), picture[1] - height)
    return x, y, x + width, y + height


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0.0) * max(height, 0.0)
