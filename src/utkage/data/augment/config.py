"""Strengths and probabilities of the augmentations."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.core.setting_checks import require_number


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How strongly chips are augmented; every chip draws its own values.

    "Largest" values bound a uniform distribution.

    Raises:
        ConfigError: a value is outside its range.
    """

    flip: float = 0.5
    """Probability of mirroring."""
    rotation: float = 12.0
    """Largest rotation in either direction, degrees."""
    scale: float = 0.15
    """Largest change of size, as a fraction."""
    shift: float = 0.06
    """Largest shift along each axis, as a fraction of the chip size."""
    shear: float = 0.0
    """Largest shear and largest change of the ratio of width to height, as a fraction."""
    jitter: float = 1.0
    """Strength of additional shifts, rotations and scales like those of detected faces; 1 is the
    measured strength (`geometry.DETECTION_JITTER`)."""
    brightness: float = 0.3
    """Largest change of brightness, as a fraction."""
    contrast: float = 0.3
    """Largest change of contrast, as a fraction."""
    saturation: float = 0.4
    """Largest change of saturation, as a fraction."""
    gamma: float = 0.0
    """Largest change of the logarithm of gamma."""
    cast: float = 0.0
    """Probability of a colour cast."""
    cast_strength: float = 0.12
    """Largest change of each channel by a colour cast, as a fraction."""
    side_light: float = 0.0
    """Probability of light from one direction."""
    grey: float = 0.1
    """Probability of conversion to grey."""
    blur: float = 0.1
    """Probability of a Gaussian blur."""
    blur_sigma: float = 0.0125
    """Largest standard deviation of the blur, as a fraction of the chip size."""
    soften: float = 0.15
    """Probability of a lower resolution: shrinking and enlarging again."""
    soften_least: float = 0.35
    """Smallest size that such a chip is shrunk to, as a fraction; the largest is 80 %."""
    noise: float = 0.0
    """Probability of noise."""
    noise_strength: float = 10.0
    """Largest standard deviation of the noise, in levels of 0..255; the smallest is 2."""
    jpeg: float = 0.15
    """Probability of JPEG compression losses."""
    jpeg_quality: int = 30
    """Lowest JPEG quality, on the scale of libjpeg; the highest is 95."""
    erase: float = 0.25
    """Probability of covering a rectangle with noise (Zhong et al. 2020)."""
    blank: float = 0.0
    """Probability of a black margin in place of what surrounds the face, as in pictures that are
    chips already."""
    mixup: float = 0.0
    """Probability of blending with another face of the batch (Zhang et al. 2018)."""
    mixup_alpha: float = 0.2
    """Both parameters of the beta distribution of the blending weight."""

    def __post_init__(self) -> None:
        probabilities = (
            "flip",
            "cast",
            "side_light",
            "grey",
            "blur",
            "soften",
            "noise",
            "jpeg",
            "erase",
            "blank",
            "mixup",
        )
        strengths = ("scale", "brightness", "contrast", "saturation", "gamma", "cast_strength")
        require_number(self, *probabilities, *strengths, least=0, most=1)
        require_number(self, "rotation", least=0, most=180)
        require_number(self, "shift", least=0, most=0.5)
        require_number(self, "shear", least=0, most=0.5)
        require_number(self, "jitter", least=0, most=10)
        require_number(self, "blur_sigma", least=0, most=0.1)
        require_number(self, "soften_least", least=0.1, most=0.8)
        require_number(self, "noise_strength", least=2, most=50)
        require_number(self, "jpeg_quality", least=1, most=95)
        require_number(self, "mixup_alpha", least=0.01, most=100)


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
