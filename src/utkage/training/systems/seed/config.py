"""Everything that decides how the seed system is trained, as one frozen, validated dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from utkage.core.errors import ConfigError
from utkage.core.settings import to_table
from utkage.models.seed.vgg_face import STRIDE
from utkage.training.config import require_saving

# How ranges are fed to the age estimator while it is trained.
RANGE_FEEDS = ("predicted", "true", "decay")


@dataclass(frozen=True)
class SeedConfig:
    """The recipe of the description; what it leaves open is marked so.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Chips a step (open).
        size: Chip side in pixels (open).
        gender_rate: Adam's rate for the gender model.
        range_rate: Adam's rate for the age-range model.
        age_rate: Adam's rate for the age-estimation model.
        gender_width: Fraction of VGG-Face's channels; 1 is the publication.
        patience: Epochs without a better validation loss before a model's rate is cut (open).
        factor: What its rate is cut by (open).
        range_feed: What the estimator is fed in training (open): ``"predicted"`` ranges,
            ``"true"`` ones, or ``"decay"``: true ones with a probability that falls from 1 to 0
            over the first half of the epochs.
        ema_decay: Of the average of the weights over steps, which is validated, kept and lowers the
            rates (open); 0 takes the weights as they are.
        augment: Vary the chips (open).
        init: Where the weights start: ``"scratch"``, or a file of the seed system.
        vgg_face_weights: File of the published VGG-Face descriptor for the gender model to start
            from; empty for none.
        seed: Of initial weights, order, dropout, augmentation and mixing.
        checkpoint_minutes: Time between checkpoints inside an epoch.
        checkpoint_steps: Steps between checkpoints besides; 0: time alone decides.
        keep_checkpoints: How many to keep.
    """

    epochs: int = 50
    batch_size: int = 64
    size: int = 64
    gender_rate: float = 1e-4
    range_rate: float = 5e-3
    age_rate: float = 1e-3
    gender_width: float = 1.0
    patience: int = 3
    factor: float = 0.3
    range_feed: str = "predicted"
    ema_decay: float = 0.998
    augment: bool = True
    init: str = "scratch"
    vgg_face_weights: str = ""
    seed: int = 0
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int = 0
    keep_checkpoints: int = 1

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 2, "batch size", self.batch_size, "at least 2")
        _require(STRIDE <= self.size <= 512, "chip size", self.size, "32 to 512 pixels")
        for name in ("gender_rate", "range_rate", "age_rate"):
            rate = getattr(self, name)
            _require(0 < rate < 1, name.replace("_", " "), rate, "above 0 and below 1")
        _require(0 < self.gender_width <= 1, "gender width", self.gender_width, "above 0, up to 1")
        _require(self.patience >= 0, "patience", self.patience, "at least 0")
        _require(0 < self.factor < 1, "factor", self.factor, "between 0 and 1")
        _require(0 <= self.ema_decay < 1, "EMA decay", self.ema_decay, "at least 0 and below 1")
        _require(
            self.range_feed in RANGE_FEEDS, "range feed", self.range_feed, ", ".join(RANGE_FEEDS)
        )
        _require(
            not self.vgg_face_weights or self.init == "scratch",
            "init",
            self.init,
            "scratch where VGG-Face weights are given",
        )
        _require(0 <= self.seed < 2**31, "seed", self.seed, "0 to 2147483647")
        require_saving(self.checkpoint_minutes, self.checkpoint_steps, self.keep_checkpoints)

    def share_of_true_ranges(self, epoch: int) -> float:
        """Probability with which the estimator is fed a true range in ``epoch`` (from 0)."""
        if self.range_feed == "decay":
            return max(0.0, 1.0 - 2.0 * epoch / self.epochs)
        return 1.0 if self.range_feed == "true" else 0.0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return to_table(self)


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value}; it must be {wanted}")
