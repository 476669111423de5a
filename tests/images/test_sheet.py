from __future__ import annotations

import numpy as np

from utkage.images.sheet import contact_sheet, thumbnail


def test_every_picture_is_on_the_sheet() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]
    pictures = [np.full((64, 64, 3), colour, np.uint8) for colour in colours]
    sheet = contact_sheet(pictures, [("a name far too long for the width of a tile", "31")] * 5)
    assert 0.5 < sheet.shape[0] / sheet.shape[1] < 2
    area = thumbnail(pictures[0]).shape[0] ** 2
    for colour in colours:
        assert (sheet == colour).all(axis=2).sum() == area


def test_captions_stay_below_their_picture() -> None:
    picture = np.full((64, 64, 3), 255, np.uint8)
    short = contact_sheet([picture], [("W",)])
    long = contact_sheet([picture], [("W" * 80,)])
    assert short.shape == long.shape
    assert (long < 128).any(axis=2).sum() > (short < 128).any(axis=2).sum()
    assert (long[:, -8:] == 255).all()
