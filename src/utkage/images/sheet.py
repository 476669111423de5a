"""Contact sheets: many thumbnails with captions in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from utkage.images.resize import resize_square

_TILE = 112
_GAP = 8
_FONT = 12
_LINE = 15
_PAPER = (255, 255, 255)
_INK = (20, 20, 20)


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square picture at the size of a sheet's thumbnails."""
    return resize_square(rgb, _TILE)


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[tuple[str, ...]]
) -> NDArray[np.uint8]:
    """Lay out one or more square pictures (uint8 RGB) row by row, with lines of text under each.

    The sheet is about as wide as high. Lines that are wider than their picture are cut.
    """
    lines = max(len(caption) for caption in captions)
    width, height = _TILE + _GAP, _TILE + _GAP + lines * _LINE
    columns = max(1, math.ceil(math.sqrt(len(pictures) * height / width)))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = _GAP + index % columns * width, _GAP + index // columns * height
        sheet.paste(Image.fromarray(thumbnail(picture)), (x, y))
        for row, line in enumerate(caption):
            at = (x, y + _TILE + row * _LINE)
            draw.text(at, _cut(line, font), font=font, fill=_INK)
    return np.array(sheet)


def _cut(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(line) <= _TILE:
        return line
    while line and font.getlength(line + "…") > _TILE:
        line = line[:-1]
    return line + "…"
