"""Every setting of a training of the multi-task network, as one frozen, validated dataclass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from utkage.core.setting_checks import require, require_choice, require_number
from utkage.training.config_groups import (
    LossConfig,
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    ScheduleConfig,
)
from utkage.training.schedule import epochs_without_gain

# Settings that may change when a run is resumed: they do not change what is computed.
FREE_FIELDS = frozenset(
    {"checkpoint_minutes", "checkpoint_steps", "keep_checkpoints", "allow_download"}
)


# Dataclasses collect fields from the last base to the first.
@dataclass(frozen=True, kw_only=True)
class TrainConfig(LossConfig, ScheduleConfig, OptimiserConfig, ModelConfig, RunConfig):
    """Settings of the multi-task network."""

    def __post_init__(self) -> None:
        # The registry imports torch, which the command line's help does not need.
        from utkage.training.losses import AGE_LOSSES

        for group in (RunConfig, ModelConfig, OptimiserConfig, ScheduleConfig, LossConfig):
            group.__post_init__(self)
        require_choice(self, "age_loss", AGE_LOSSES)
        adjustable = self.logit_adjustment == 0 or AGE_LOSSES[self.age_loss].head == "softmax"
        require(self, "logit_adjustment", adjustable, f"0 for {self.age_loss}")
        require(self, "sizes", len(self.sizes) <= self.epochs, f"no more than {self.epochs} epochs")
        require_number(self, "freeze_epochs", most=self.epochs)
        most = self.batch_size // 2
        parts = f"from 1 to {most}, so that each part has at least two chips"
        require(self, "accumulate", 1 <= self.accumulate <= most, parts)

    @property
    def size(self) -> int:
        """Chip size that the model is made for, pixels."""
        return self.sizes[-1]

    def size_of_epoch(self, epoch: int) -> int:
        """Chip size in ``epoch`` (from 0), pixels."""
        return self.sizes[min(epoch * len(self.sizes) // self.epochs, len(self.sizes) - 1)]

    def is_finished(self, errors: Sequence[float]) -> bool:
        """Whether a training with these validation errors is over, or stops early."""
        stalled = 0 < self.stop_after <= epochs_without_gain(errors)
        return stalled or super().is_finished(errors)
