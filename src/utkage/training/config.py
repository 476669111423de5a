"""Everything that decides what training computes, as one frozen, validated dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from utkage.core.errors import ConfigError
from utkage.core.settings import to_table

SCHEDULES = ("cosine", "one_cycle", "plateau", "constant")
AGE_LOSSES = ("dldl_v2", "cross_entropy", "sord", "coral", "corn", "mean_variance", "l1")
SORD_DISTANCES = ("absolute", "square")
AGE_WEIGHTINGS = ("none", "sqrt")
SOURCE_WEIGHTINGS = ("none", "sqrt", "equal")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
# What may change between the parts of a run: it does not decide what is computed.
FREE_FIELDS = frozenset(
    {"checkpoint_minutes", "checkpoint_steps", "keep_checkpoints", "allow_download"}
)


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
        init: Where the weights start: ``"shipped"``, ``"scratch"``, ``"torchvision"`` (ImageNet),
            ``"dlib"`` (face recognition), or a file.
        allow_download: Whether ``init="torchvision"`` may download.
        freeze_epochs: First epochs in which only the heads learn.
        layer_decay: Factor on the learning rate from each stage of the backbone to the one below;
            the heads learn at the full rate.
        age_loss: How ages are learned: ``"dldl_v2"``, ``"cross_entropy"``, ``"sord"``,
            ``"coral"``, ``"corn"``, ``"mean_variance"``, ``"l1"``.
        sigma_base: Standard deviation of the soft age label of ``dldl_v2`` at age 0, years.
        sigma_slope: By how much it grows per year of age.
        sigma_max: Its upper bound, years.
        l1_weight: Weight of the L1 loss of the expected age in ``dldl_v2`` and ``l1``, per year.
        sord_distance: How the label of ``sord`` falls: with the ``"absolute"`` or the ``"square"``
            distance to the age.
        sord_width: Unit of that distance, years.
        mean_weight: Weight of half the squared error of the mean in ``mean_variance``.
        variance_weight: Weight of the variance in it.
        age_weighting: ``"sqrt"`` lets ages weigh by the inverse square root of their smoothed
            frequency in the training split, with mean 1; ``"none"`` lets all weigh the same.
        age_weight_clip: The largest such weight.
        source_weighting: ``"equal"`` lets the sources of a prepared set weigh the same altogether,
            ``"sqrt"`` by the square root of their number of faces, ``"none"`` by their number.
        teachers: Weights the mean of whose answers for the training faces is learned besides the
            labels (distillation), each ``"shipped"``, a file or a run folder.
        teacher_weight: Share of the loss that these answers have, 0..1.
        gender_weight: Weight of the gender loss.
        gender_smoothing: Label smoothing of the gender loss, 0..0.5.
        ema_decay: Decay per step of the averaged weights that are validated and kept.
        clip_norm: Largest gradient norm.
        schedule: How the rate goes on: ``"cosine"``, ``"one_cycle"``, ``"plateau"``,
            ``"constant"``.
        plateau_patience: Epochs without a better validation MAE before ``plateau`` cuts the rate.
        plateau_factor: What it cuts it by.
        stop_after: Epochs without a better validation MAE that end the training early; 0: never.
        precision: ``"fp32"``, ``"bf16"``, ``"fp16"``, or ``"auto"``: fewer bits where it is faster.
        accumulate: Parts that each batch is computed in, one after the other, to save memory.
        compile: Let ``torch.compile`` compile the network.
        seed: Of initial weights, order and augmentation.
        checkpoint_minutes: Time between checkpoints inside an epoch.
        checkpoint_steps: Steps between checkpoints besides; 0: time alone decides.
        keep_checkpoints: How many to keep.
    """

    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 4e-4
    weight_decay: float = 0.02
    warmup: float = 0.05
    sizes: tuple[int, ...] = (160,)
    backbone: str = "mobilenet_v1"
    init: str = "shipped"
    allow_download: bool = False
    freeze_epochs: int = 0
    layer_decay: float = 1.0
    age_loss: str = "dldl_v2"
    sigma_base: float = 1.0
    sigma_slope: float = 0.05
    sigma_max: float = 4.0
    l1_weight: float = 0.1
    sord_distance: str = "absolute"
    sord_width: float = 2.0
    mean_weight: float = 0.2
    variance_weight: float = 0.05
    age_weighting: str = "none"
    age_weight_clip: float = 5.0
    source_weighting: str = "none"
    teachers: tuple[str, ...] = ()
    teacher_weight: float = 0.5
    gender_weight: float = 1.0
    gender_smoothing: float = 0.05
    ema_decay: float = 0.998
    clip_norm: float = 5.0
    schedule: str = "cosine"
    plateau_patience: int = 3
    plateau_factor: float = 0.3
    stop_after: int = 0
    precision: str = "auto"
    accumulate: int = 1
    compile: bool = False
    seed: int = 0
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int = 0
    keep_checkpoints: int = 1

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
        _require(
            0 <= self.freeze_epochs <= self.epochs,
            "freeze epochs",
            self.freeze_epochs,
            f"0 to {self.epochs}, the number of epochs",
        )
        _require(0 < self.layer_decay <= 1, "layer decay", self.layer_decay, "above 0, at most 1")
        _require(self.age_loss in AGE_LOSSES, "age loss", self.age_loss, ", ".join(AGE_LOSSES))
        _require(self.sigma_base > 0, "sigma base", self.sigma_base, "above 0")
        _require(self.sigma_slope >= 0, "sigma slope", self.sigma_slope, "at least 0")
        _require(self.sigma_max >= self.sigma_base, "sigma max", self.sigma_max, "not below base")
        _require(self.l1_weight >= 0, "L1 weight", self.l1_weight, "at least 0")
        only_l1 = self.age_loss == "l1"
        _require(self.l1_weight > 0 or not only_l1, "L1 weight", self.l1_weight, "above 0 for l1")
        distances = ", ".join(SORD_DISTANCES)
        _require(
            self.sord_distance in SORD_DISTANCES, "SORD distance", self.sord_distance, distances
        )
        _require(self.sord_width > 0, "SORD width", self.sord_width, "above 0")
        _require(self.mean_weight >= 0, "mean weight", self.mean_weight, "at least 0")
        _require(self.variance_weight >= 0, "variance weight", self.variance_weight, "at least 0")
        weightings = ", ".join(AGE_WEIGHTINGS)
        _require(
            self.age_weighting in AGE_WEIGHTINGS, "age weighting", self.age_weighting, weightings
        )
        _require(self.age_weight_clip > 1, "age weight clip", self.age_weight_clip, "above 1")
        weightings = ", ".join(SOURCE_WEIGHTINGS)
        _require(
            self.source_weighting in SOURCE_WEIGHTINGS,
            "source weighting",
            self.source_weighting,
            weightings,
        )
        _require(0 <= self.teacher_weight <= 1, "teacher weight", self.teacher_weight, "0 to 1")
        _require(self.gender_weight >= 0, "gender weight", self.gender_weight, "at least 0")
        _require(0 <= self.gender_smoothing < 0.5, "smoothing", self.gender_smoothing, "0 to 0.5")
        _require(0 <= self.ema_decay < 1, "EMA decay", self.ema_decay, "0 to below 1")
        _require(self.clip_norm > 0, "clip norm", self.clip_norm, "above 0")
        _require(self.schedule in SCHEDULES, "schedule", self.schedule, ", ".join(SCHEDULES))
        _require(self.plateau_patience >= 0, "patience", self.plateau_patience, "at least 0")
        _require(0 < self.plateau_factor < 1, "factor", self.plateau_factor, "between 0 and 1")
        _require(self.stop_after >= 0, "stop after", self.stop_after, "at least 0")
        _require(self.precision in PRECISIONS, "precision", self.precision, ", ".join(PRECISIONS))
        _require(
            1 <= self.accumulate <= self.batch_size // 2,
            "accumulate",
            self.accumulate,
            "at least 1, and leave parts of two chips or more",
        )
        _require(0 <= self.seed < 2**31, "seed", self.seed, "0 to 2147483647")
        require_saving(self.checkpoint_minutes, self.checkpoint_steps, self.keep_checkpoints)

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


def require_saving(minutes: float, steps: int, kept: int) -> None:
    """Check when checkpoints are written, and how many are kept.

    Raises:
        ConfigError: an impossible value.
    """
    _require(minutes >= 0, "checkpoint minutes", minutes, "at least 0")
    _require(steps >= 0, "checkpoint steps", steps, "at least 0")
    _require(kept >= 1, "checkpoints to keep", kept, "at least 1")


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value}; it must be {wanted}")
