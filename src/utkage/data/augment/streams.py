"""The streams of ``SampleRandom``: one number for each random quantity.

Numbers are never reused or changed, so a new quantity does not change the random numbers of
the others.
"""

from __future__ import annotations

from enum import IntEnum


class Stream(IntEnum):
    """The number of each stream."""

    FLIP = 0
    ROTATION = 1
    SCALE = 2
    SHIFT_X = 3
    SHIFT_Y = 4
    JITTER_ROTATION = 5
    JITTER_SCALE = 6
    JITTER_X = 7
    JITTER_Y = 8
    BRIGHTNESS = 9
    CONTRAST = 10
    SATURATION = 11
    GREY = 12
    BLUR = 13
    BLUR_SIGMA = 14
    SOFTEN = 15
    SOFTEN_FACTOR = 16
    JPEG = 17
    JPEG_QUALITY = 18
    ERASE = 19
    ERASE_AREA = 20
    ERASE_ASPECT = 21
    ERASE_TOP = 22
    ERASE_LEFT = 23
    ERASE_NOISE = 24
    MIXUP = 25
    MIXUP_PARTNER = 26
    MIXUP_WEIGHT = 27
    MIXUP_ANGLE = 28
    SHEAR = 29
    SHEAR_ASPECT = 30
    BLANK = 31
    SIDE_LIGHT = 32
    SIDE_LIGHT_ANGLE = 33
    SIDE_LIGHT_STRENGTH = 34
    NOISE = 35
    NOISE_STRENGTH = 36
    NOISE_PIXELS = 37
    GAMMA = 38
    CAST = 39
    CAST_RED = 40
    CAST_GREEN = 41
    CAST_BLUE = 42
