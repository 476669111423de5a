"""Every setting of a training of the seed system, as one frozen, validated dataclass."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.core.setting_checks import require, require_choice, require_number
from utkage.models.seed.vgg_face import STRIDE
from utkage.training.config_groups import RunConfig

# Ranges that the age estimator can be fed in training.
RANGE_FEEDS = ("predicted", "true", "decay")


@dataclass(frozen=True, kw_only=True)
class SeedConfig(RunConfig):
    """Settings of the seed system; "(open)" marks what its description leaves open."""

    size: int = 64
    """Chip size in pixels (open)."""
    gender_rate: float = 1e-4
    """Learning rate of Adam for the gender model."""
    range_rate: float = 5e-3
    """Learning rate of Adam for the age-range model."""
    age_rate: float = 1e-3
    """Learning rate of Adam for the age-estimation model."""
    gender_width: float = 1.0
    """Fraction of VGG-Face's channels; 1 is the published network."""
    patience: int = 3
    """Epochs without a lower validation loss before a model's rate is reduced (open)."""
    factor: float = 0.3
    """Factor of each such reduction (open)."""
    range_feed: str = "predicted"
    """Ranges that the age estimator is fed in training (open): `"predicted"`, `"true"`, or
    `"decay"`: true ones with a probability that falls from 1 to 0 over the first half of the
    epochs."""
    augment: bool = True
    """Augment the chips (open)."""
    init: str = "scratch"
    """Initial weights: `"scratch"`, or a file of the seed system."""
    vgg_face_weights: str = ""
    """File of the published VGG-Face weights, from which the gender model starts; empty for
    none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "size", least=STRIDE, most=512)
        require_number(self, "gender_rate", "range_rate", "age_rate", "factor", above=0, below=1)
        require_number(self, "gender_width", above=0, most=1)
        require_number(self, "patience", least=0)
        require_choice(self, "range_feed", RANGE_FEEDS)
        only = "mae for the seed system, which has no metrics by source"
        require(self, "select_by", self.select_by == "mae", only)
        fits = not self.vgg_face_weights or self.init == "scratch"
        require(self, "init", fits, "scratch where vgg_face_weights are given")

    def size_of_epoch(self, epoch: int) -> int:
        """Chip size in every epoch, pixels."""
        return self.size

    def true_range_probability(self, epoch: int) -> float:
        """Probability of feeding the estimator the true range in ``epoch`` (from 0)."""
        if self.range_feed == "decay":
            return max(0.0, 1.0 - 2.0 * epoch / self.epochs)
        return 1.0 if self.range_feed == "true" else 0.0
