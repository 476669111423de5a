"""Everything that decides what training computes, as one frozen, validated dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from utkage.core.errors import ConfigError
from utkage.core.settings import to_table


@dataclass(frozen=True)
class TrainConfig:
    """The recipe.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Chips per optimiser step.
        learning_rate: Peak of the cosine schedule (AdamW).
        weight_decay: AdamW's, on tensors of two or more dimensions.
        warmup: Fraction of all steps in which the rate rises linearly from zero.
        sizes: Chip sides in pixels; the epochs are shared out evenly among them in this order
            (progressive resolution), and the last is the size the model is made for.
        backbone: Name in the backbone registry.
        init: Where the weights start: ``"shipped"``, ``"scratch"``, or a file.
        sigma_base: Standard deviation of the soft age label at age 0, years.
        sigma_slope: By how much it grows per year of age.
        sigma_max: Its upper bound, years.
        l1_weight: Weight of the L1 loss of the expected age, per year.
        gender_weight: Weight of the gender loss.
        gender_smoothing: Label smoothing of the gender loss, 0..0.5.
        ema_decay: Decay per step of the averaged weights that are validated and kept.
        clip_norm: Largest gradient norm.
        seed: Of initial weights, order and augmentation.
        checkpoint_minutes: Time between checkpoints inside an epoch.
    """

    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 4e-4
    weight_decay: float = 0.02
    warmup: float = 0.05
    sizes: tuple[int, ...] = (160,)
    backbone: str = "mobilenet_v1"
    init: str = "shipped"
    sigma_base: float = 1.0
    sigma_slope: float = 0.05
    sigma_max: float = 4.0
    l1_weight: float = 0.1
    gender_weight: float = 1.0
    gender_smoothing: float = 0.05
    ema_decay: float = 0.998
    clip_norm: float = 5.0
    seed: int = 0
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 2, "batch size", self.batch_size, "at least 2")
        _require(
            0 < self.learning_rate < 1, "learning rate", self.learning_rate, "above 0 and below 1"
        )
        _require(self.weight_decay >= 0, "weight decay", self.weight_decay, "at least 0")
        _require(0 <= self.warmup < 1, "warmup", self.warmup, "a fraction from 0 to below 1")
        _require(len(self.sizes) >= 1, "sizes", self.sizes, "at least one chip size")
        _require(
            len(self.sizes) <= self.epochs,
            "sizes",
            self.sizes,
            f"no more than {self.epochs} epochs",
        )
        for size in self.sizes:
            _require(32 <= size <= 512, "chip size", size, "32 to 512 pixels")
        _require(self.sigma_base > 0, "sigma base", self.sigma_base, "above 0")
        _require(self.sigma_slope >= 0, "sigma slope", self.sigma_slope, "at least 0")
        _require(self.sigma_max >= self.sigma_base, "sigma max", self.sigma_max, "not below base")
        _require(self.l1_weight >= 0, "L1 weight", self.l1_weight, "at least 0")
        _require(self.gender_weight >= 0, "gender weight", self.gender_weight, "at least 0")
        _require(0 <= self.gender_smoothing < 0.5, "smoothing", self.gender_smoothing, "0 to 0.5")
        _require(0 <= self.ema_decay < 1, "EMA decay", self.ema_decay, "0 to below 1")
        _require(self.clip_norm > 0, "clip norm", self.clip_norm, "above 0")
        _require(0 <= self.seed < 2**31, "seed", self.seed, "0 to 2147483647")
        minutes = self.checkpoint_minutes
        _require(minutes >= 0, "checkpoint minutes", minutes, "at least 0")

    @property
    def size(self) -> int:
        """The chip side that the model is made for."""
        return self.sizes[-1]

    def size_of_epoch(self, epoch: int) -> int:
        """Chip side in ``epoch`` (from 0)."""
        return self.sizes[min(epoch * len(self.sizes) // self.epochs, len(self.sizes) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return to_table(self)


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value}; it must be {wanted}")
