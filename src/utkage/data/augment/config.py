"""How strongly chips are varied."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How strongly chips are varied.

    Strengths named "largest" bound a uniform distribution; every chip is drawn for on its own.

    Attributes:
        flip: Probability of mirroring.
        rotation: Largest turn to either side, degrees.
        scale: Largest change of size, as a fraction.
        shift: Largest shift along each axis, as a fraction of the side.
        jitter: How much crops are displaced, turned and scaled besides, as those of detected
            faces are; 1 is what was measured (``geometry.DETECTION_JITTER``).
        brightness: Largest change of brightness, as a fraction.
        contrast: Largest change of contrast, as a fraction.
        saturation: Largest change of saturation, as a fraction.
        grey: Probability of losing all colour.
        blur: Probability of a Gaussian blur.
        blur_sigma: Its largest standard deviation, as a fraction of the side.
        soften: Probability of losing resolution (shrunk to 35-80 % and enlarged again).
        jpeg: Probability of the losses of JPEG compression.
        jpeg_quality: Its lowest quality, on the scale of libjpeg; the highest is 95.
        erase: Probability of covering a rectangle with noise (Zhong et al. 2020).
        mixup: Probability of blending with another face of the batch (``mix``).
        mixup_alpha: Both parameters of the beta distribution of the blending weight.

    Raises:
        ConfigError: a value is outside its range.
    """

    flip: float = 0.5
    rotation: float = 12.0
    scale: float = 0.15
    shift: float = 0.06
    jitter: float = 1.0
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    grey: float = 0.1
    blur: float = 0.1
    blur_sigma: float = 0.0125
    soften: float = 0.15
    jpeg: float = 0.15
    jpeg_quality: int = 30
    erase: float = 0.25
    mixup: float = 0.0
    mixup_alpha: float = 0.2

    def __post_init__(self) -> None:
        for name in ("flip", "grey", "blur", "soften", "jpeg", "erase", "mixup"):
            _require_within(name, getattr(self, name), 0, 1)
        for name in ("brightness", "contrast", "saturation"):
            _require_within(name, getattr(self, name), 0, 1)
        _require_within("rotation", self.rotation, 0, 180)
        _require_within("scale", self.scale, 0, 1)
        _require_within("shift", self.shift, 0, 0.5)
        _require_within("jitter", self.jitter, 0, 10)
        _require_within("blur sigma", self.blur_sigma, 0, 0.1)
        _require_within("JPEG quality", self.jpeg_quality, 1, 95)
        _require_within("mixup alpha", self.mixup_alpha, 0.01, 100)


def _require_within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}; it must be {low} to {high}")


NO_AUGMENTATION = AugmentConfig(
    flip=0,
    rotation=0,
    scale=0,
    shift=0,
    jitter=0,
    brightness=0,
    contrast=0,
    saturation=0,
    grey=0,
    blur=0,
    soften=0,
    jpeg=0,
    erase=0,
)
