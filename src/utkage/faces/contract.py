"""The crop contract: the geometry and value range of chips.

A model that was trained on faces cropped differently predicts badly, without any error. The
contract is therefore data: ``prepare`` writes it into the chip store, ``train`` copies it into the
weights, exports contain it, and the aligner follows it.

Coordinates are in pixels of the chip, x to the right and y down, with pixel centres at whole
numbers plus one half (so the corners of a 200-pixel chip are (0, 0) and (200, 200)).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from utkage.core.errors import ConfigError
from utkage.core.fields import Fields

Point = tuple[float, float]

# Median landmarks that `RetinaFaceDetector` finds in 200x200 UTKFace chips (502 frontal faces among
# 600 random chips), made symmetric about the vertical middle. The medians lay about 2 pixels to the
# left; mirrored chips show that the detector causes half of this. Left means left in the picture.
UTKFACE_TEMPLATE: tuple[Point, ...] = (
    (59.4, 59.9),
    (140.6, 59.9),
    (100.0, 107.6),
    (65.4, 136.6),
    (134.6, 136.6),
)
UTKFACE_CHIP_SIZE = 200
# Median box (x0, y0, x1, y1) of the same detector around aligned faces, made symmetric: 218
# official portraits, whose boxes are not cut at an edge.
UTKFACE_BOX = (17.0, -33.0, 183.0, 203.0)
# Smallest chip, in pixels; smaller pictures show too little of a face. The part of a chip without
# its margin may be half as wide.
MIN_SIZE = 32
# Largest chip, in pixels.
MAX_SIZE = 1024
# Smallest distance between two landmarks of a template, as a share of the chip size.
_LEAST_DISTANCE = 0.02
# Largest distance of landmarks, as a share of the chip size, that is rounding and not another crop.
TOLERANCE = 0.01


@dataclass(frozen=True)
class CropContract:
    """Geometry and value range of a chip.

    Attributes:
        size: Width and height of a chip, in pixels.
        template: Where the five landmarks lie in the chip, in pixels of a chip of ``size``:
            left eye, right eye, nose, left and right mouth corner (as seen in the picture).
        colour: Order of the channels; always ``"RGB"``.
        mean: Value subtracted from each channel (0..255 units) before the network.
        std: Value by which each channel is then divided (0..255 units).
    """

    size: int
    template: tuple[Point, ...]
    colour: str = "RGB"
    mean: tuple[float, float, float] = (123.68, 116.779, 103.939)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        _require_size(self.size, MIN_SIZE // 2)
        _require_template(self.template, self.size)
        if self.colour != "RGB":
            raise ConfigError(f"colour order {self.colour!r} is not supported; use 'RGB'")
        if not all(map(math.isfinite, self.mean)):
            raise ConfigError("mean must be finite in every channel")
        if not all(math.isfinite(value) and value > 0 for value in self.std):
            raise ConfigError("std must be finite and above zero in every channel")

    def at_size(self, size: int) -> CropContract:
        """The same crop at another resolution."""
        scale = size / self.size
        template = tuple((x * scale, y * scale) for x, y in self.template)
        return CropContract(size, template, self.colour, self.mean, self.std)

    def distance(self, other: CropContract) -> float:
        """Largest distance between the landmarks of two crops, as a share of the chip size."""
        theirs = other.at_size(self.size).template
        points = zip(self.template, theirs, strict=True)
        return max(max(abs(x - u), abs(y - v)) for (x, y), (u, v) in points) / self.size

    def with_margin(self, margin: float) -> CropContract:
        """A wider crop at the same resolution.

        Args:
            margin: Width of what is added at each edge, as a fraction of ``size``.
        """
        added = round(margin * self.size)
        template = tuple((x + added, y + added) for x, y in self.template)
        return replace(self, size=self.size + 2 * added, template=template)

    @property
    def margin(self) -> float:
        """Width of what is shown beyond each edge of the standard chip, as a fraction of it."""
        return round((self._relative_width() - 1) / 2, 6)

    def without_margin(self) -> CropContract:
        """The crop of UTKFace's chips at the same resolution, if this one is wider; else itself.

        An equal number of whole pixels is removed at each edge.
        """
        width = self._relative_width()
        if width == 1:
            return self
        removed = round((self.size - self.size / width) / 2)
        template = tuple((x - removed, y - removed) for x, y in self.template)
        return replace(self, size=self.size - 2 * removed, template=template)

    def _relative_width(self) -> float:
        """Width of what is shown, in widths of UTKFace's chips; 1 if it is not more than those."""
        ratio = CropContract(UTKFACE_CHIP_SIZE, UTKFACE_TEMPLATE).width_ratio(self)
        return 1.0 if ratio is None or ratio <= 1 + TOLERANCE else ratio

    def as_wide_as(self, others: Iterable[CropContract]) -> CropContract:
        """This crop at its own resolution, with a margin if one of the others shows more."""
        ratios = [self.width_ratio(other) or 1.0 for other in others]
        widest = max(ratios, default=1.0)
        return self if widest <= 1 + TOLERANCE else self.with_margin((widest - 1) / 2)

    def width_ratio(self, other: CropContract) -> float | None:
        """Width of what ``other`` shows around the same centre, in widths of what this crop shows.

        Returns:
            Above 1 if ``other`` shows more than this crop; None if the centres differ, so that
            chips of one cannot be turned into those of the other.
        """
        # In plain Python, because NumPy takes longer for so few numbers, and `prepare` comes here
        # several times for each picture.
        own, theirs = (
            [value / crop.size - 0.5 for point in crop.template for value in point]
            for crop in (self, other)
        )
        pairs = list(zip(own, theirs, strict=True))
        product = sum(a * b for a, b in pairs)
        if product <= 0:
            return None
        ratio = sum(a * a for a in own) / product
        return ratio if max(abs(b - a / ratio) for a, b in pairs) <= TOLERANCE else None

    def fits(self, other: CropContract) -> bool:
        """Whether chips of the two show the same part of a face."""
        return self.distance(other) <= TOLERANCE

    def unscaled(self) -> CropContract:
        """The same crop for models that normalise values of 0..255 themselves."""
        return replace(self, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; ``from_json`` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> CropContract:
        """Read what ``to_json`` wrote.

        Raises:
            ConfigError: a field is missing, of another type, or out of range.
        """
        try:
            fields = Fields.of(value, "contract")
            points = [Fields({"point": p}, "contract.template") for p in fields.items("template")]
            return cls(
                size=fields.whole("size", 1, MAX_SIZE),
                template=tuple(_pair(point.numbers("point", 2)) for point in points),
                colour=fields.text("colour"),
                mean=_triple(fields.numbers("mean", 3)),
                std=_triple(fields.numbers("std", 3)),
            )
        except ValueError as error:
            raise ConfigError(f"crop contract cannot be read: {error}") from error


def utkface_contract(size: int, margin: float = 0.0) -> CropContract:
    """The contract of the aligned and cropped UTKFace chips.

    Args:
        size: Width of a chip without its margin, pixels.
        margin: Width of what is shown beyond each edge of it, as a fraction of ``size``.
    """
    _require_size(size, MIN_SIZE)
    return CropContract(UTKFACE_CHIP_SIZE, UTKFACE_TEMPLATE).at_size(size).with_margin(margin)


def _require_size(size: int, least: int) -> None:
    if not least <= size <= MAX_SIZE:
        raise ConfigError(f"chip size {size} is outside {least}..{MAX_SIZE} pixels")


def _require_template(template: tuple[Point, ...], size: int) -> None:
    """Refuse landmarks onto which no face can be aligned."""
    if len(template) != 5:
        raise ConfigError(f"a template has five landmarks, not {len(template)}")
    if not all(-size <= value <= 2 * size for point in template for value in point):
        raise ConfigError(f"a landmark of the template lies far outside a chip of {size} pixels")
    pairs = itertools.combinations(template, 2)
    if any(max(abs(x - u), abs(y - v)) < _LEAST_DISTANCE * size for (x, y), (u, v) in pairs):
        raise ConfigError("two landmarks of the template lie at the same place")


def _pair(values: tuple[float, ...]) -> Point:
    first, second = values
    return first, second


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    first, second, third = values
    return first, second, third
