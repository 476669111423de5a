"""The settings of a training in groups, each with its documentation and its checks.

``TrainConfig`` and ``SeedConfig`` inherit the groups that they need, so every setting has one flat
name. The string under a field documents it in ``--print-config`` and in ``docs/training.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from utkage.core.setting_checks import LARGEST_SEED, require, require_choice, require_number
from utkage.core.settings import to_table
from utkage.training.schedule import SCHEDULES
from utkage.training.summary import SELECTIONS

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
SORD_DISTANCES = ("absolute", "square")
AGE_WEIGHTINGS = ("none", "sqrt")
SOURCE_WEIGHTINGS = ("none", "sqrt", "equal")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Settings that every system has: length, batches, averaging and checkpoints."""

    epochs: int = 50
    """Passes over the training split."""
    batch_size: int = 64
    """Number of chips per optimiser step, over all processes together."""
    seed: int = 0
    """Seed of initial weights, order, dropout and augmentation."""
    ema_decay: float = 0.998
    """Decay per step of the moving average of the weights, which is validated and saved; 0 takes
    the weights as they are."""
    select_by: str = "mae"
    """Validation error that decides the best epoch, plateaus and early stopping: `"mae"` over all
    faces; for the multi-task network on several sources also `"macro_mae"`, the mean of the
    sources' MAEs, or `"worst_mae"`, the largest of them."""
    checkpoint_minutes: float = 5.0
    """Time between checkpoints within an epoch, minutes."""
    checkpoint_steps: int = 0
    """Steps between additional checkpoints; 0 leaves it to the time."""
    keep_checkpoints: int = 1
    """Number of checkpoints to keep."""

    def __post_init__(self) -> None:
        require_number(self, "epochs", "keep_checkpoints", least=1)
        require_number(self, "batch_size", least=2)
        require_number(self, "seed", least=0, most=LARGEST_SEED)
        require_number(self, "ema_decay", least=0, below=1)
        require_choice(self, "select_by", SELECTIONS)
        require_number(self, "checkpoint_minutes", "checkpoint_steps", least=0)

    def size_of_epoch(self, epoch: int) -> int:
        """Chip size in ``epoch`` (from 0), pixels."""
        raise NotImplementedError

    def is_finished(self, errors: Sequence[float]) -> bool:
        """Whether a training with these validation errors, one per epoch, is over."""
        return len(errors) >= self.epochs

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return to_table(self)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The network, its initial weights and the size of its chips."""

    sizes: tuple[int, ...] = (192,)
    """Chip sizes in pixels. The epochs are divided evenly among them, in this order (progressive
    resizing); the last is the size that the model is made for."""
    backbone: str = "mobilenet_v1"
    """Name in the backbone registry."""
    margin: float | None = None
    """Width of what the network sees beyond each edge of the standard chip, as a fraction of the
    chip's width; `sizes` include it. Prepare the set with at least this margin. None: as in the
    initial weights, and no margin without any."""
    init: str = "shipped"
    """Initial weights: `"shipped"`, `"scratch"`, `"torchvision"` (ImageNet), `"dlib"` (face
    recognition), or a file."""
    allow_download: bool = False
    """Allow `init="torchvision"` to download its weights."""

    def __post_init__(self) -> None:
        require(self, "sizes", len(self.sizes) >= 1, "at least one chip size")
        if self.margin is not None:
            require_number(self, "margin", least=0, most=0.5)
        for size in self.sizes:
            require(self, "sizes", 32 <= size <= 512, "sizes from 32 to 512 pixels")


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """AdamW, the precision of a step and what is trained at which rate."""

    learning_rate: float = 4e-4
    """Peak learning rate of AdamW."""
    weight_decay: float = 0.02
    """Weight decay of AdamW, on tensors of two or more dimensions."""
    layer_decay: float = 1.0
    """Factor on the learning rate from each stage of the backbone to the stage below; the heads
    train at the full rate."""
    freeze_epochs: int = 0
    """Number of first epochs in which only the heads are trained."""
    clip_norm: float = 5.0
    """Largest norm of the gradient; longer gradients are scaled down to it."""
    precision: str = "auto"
    """`"fp32"`, `"bf16"`, `"fp16"`, or `"auto"`: mixed precision where it is faster."""
    accumulate: int = 1
    """Number of parts in which each batch is computed, one after another, to save memory."""
    compile: bool = False
    """Compile the network with `torch.compile`."""

    def __post_init__(self) -> None:
        require_number(self, "learning_rate", above=0, below=1)
        require_number(self, "weight_decay", "freeze_epochs", least=0)
        require_number(self, "layer_decay", above=0, most=1)
        require_number(self, "clip_norm", above=0)
        require_choice(self, "precision", PRECISIONS)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How the learning rate changes, and when training stops early."""

    schedule: str = "cosine"
    """Learning rate schedule: `"cosine"`, `"one_cycle"`, `"plateau"` or `"constant"`."""
    warmup: float = 0.05
    """Fraction of all steps in which the rate rises linearly from zero."""
    plateau_patience: int = 3
    """Epochs without a lower validation error (`select_by`) before `plateau` reduces the rate."""
    plateau_factor: float = 0.3
    """Factor of each such reduction."""
    stop_after: int = 0
    """Epochs without a lower validation error after which training stops early; 0: never."""

    def __post_init__(self) -> None:
        require_choice(self, "schedule", SCHEDULES)
        require_number(self, "warmup", least=0, below=1)
        require_number(self, "plateau_patience", "stop_after", least=0)
        require_number(self, "plateau_factor", above=0, below=1)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """The losses of age and gender, and how much each face counts in them."""

    age_loss: str = "dldl_v2"
    """Loss of the age: `"dldl_v2"`, `"cross_entropy"`, `"sord"`, `"coral"`, `"corn"`,
    `"mean_variance"` or `"l1"`."""
    sigma_base: float = 1.0
    """Standard deviation of the soft age label of `dldl_v2` at age 0, years."""
    sigma_slope: float = 0.05
    """Growth of that standard deviation per year of age."""
    sigma_max: float = 4.0
    """Upper bound of that standard deviation, years."""
    l1_weight: float = 0.1
    """Weight of the L1 loss of the expected age in `dldl_v2` and `l1`, per year."""
    sord_distance: str = "absolute"
    """Distance to the age with which the soft label of `sord` falls: `"absolute"` or `"square"`."""
    sord_width: float = 2.0
    """Unit of that distance, years."""
    mean_weight: float = 0.2
    """Weight of half the squared error of the mean in `mean_variance`."""
    variance_weight: float = 0.05
    """Weight of the variance in `mean_variance`."""
    age_weighting: str = "none"
    """Weight of each face in the age loss: `"none"` weights all alike, `"sqrt"` by the inverse
    square root of the smoothed frequency of its age in the training split, with mean 1."""
    age_weight_clip: float = 5.0
    """Largest such weight."""
    source_weighting: str = "none"
    """Weight of each source of a prepared set in the loss: `"none"` by its number of faces,
    `"sqrt"` by the square root of that number, `"equal"` the same for all sources."""
    logit_adjustment: float = 0.0
    """Strength of logit adjustment by source (Menon et al. 2021): the age distribution of a face's
    source, relative to that of the whole split, is added to its logits in training, so the network
    does not learn to guess the age from the source. For age losses with one logit per year."""
    teachers: tuple[str, ...] = ()
    """Teachers of a distillation, each `"shipped"`, a weights file or a run folder; the mean of
    their predictions for the training faces gives soft targets besides the labels."""
    teacher_weight: float = 0.5
    """Share of the soft targets in the loss, 0..1."""
    gender_weight: float = 1.0
    """Weight of the gender loss."""
    gender_smoothing: float = 0.05
    """Label smoothing of the gender loss, 0..0.5."""

    def __post_init__(self) -> None:
        require_number(self, "sigma_base", "sord_width", above=0)
        require_number(self, "sigma_max", least=self.sigma_base)
        require_number(self, "sigma_slope", "l1_weight", "mean_weight", "variance_weight", least=0)
        require(self, "l1_weight", self.l1_weight > 0 or self.age_loss != "l1", "above 0 for l1")
        require_choice(self, "sord_distance", SORD_DISTANCES)
        require_choice(self, "age_weighting", AGE_WEIGHTINGS)
        require_choice(self, "source_weighting", SOURCE_WEIGHTINGS)
        require_number(self, "age_weight_clip", above=1)
        require_number(self, "logit_adjustment", "teacher_weight", least=0, most=1)
        require_number(self, "gender_weight", least=0)
        require_number(self, "gender_smoothing", least=0, below=0.5)
