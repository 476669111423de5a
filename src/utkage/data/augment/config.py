"""Strengths and probabilities of the augmentations."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Strengths and probabilities of the augmentations.

    Strengths named "largest" bound a uniform distribution. Every chip has its own random numbers.

    Attributes:
        flip: Probability of mirroring.
        rotation: Largest rotation in either direction, degrees.
        scale: Largest change of size, as a fraction.
        shift: Largest shift along each axis, as a fraction of the size.
        jitter: Further random shift, rotation and scale, as crops of detected faces have them;
            1 is the measured amount (``geometry.DETECTION_JITTER``).
        brightness: Largest change of brightness, as a fraction.
        contrast: Largest change of contrast, as a fraction.
        saturation: Largest change of saturation, as a fraction.
        grey: Probability of conversion to grey.
        blur: Probability of a Gaussian blur.
        blur_sigma: Largest standard deviation of the blur, as a fraction of the size.
        soften: Probability of a lower resolution (shrinking to 35-80 % and enlarging again).
        jpeg: Probability of JPEG compression losses.
        jpeg_quality: Lowest JPEG quality, on the scale of libjpeg; the highest is 95.
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
