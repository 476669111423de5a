"""Learning rate schedules, as pure functions of the step and of the validation errors so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FINAL_FRACTION = 0.01
# One-cycle: Smith and Topin 2018 (arXiv:1708.07120), with the fractions of PyTorch's scheduler.
RISE = 0.3
START_FRACTION = 1 / 25
END_FRACTION = 1e-4


@dataclass(frozen=True)
class ScheduleState:
    """Inputs of a schedule.

    Attributes:
        step: Number of the step, from 0 to ``total - 1``.
        total: Number of steps of the whole training.
        warmup: Fraction of ``total`` for a linear rise.
        cuts: Number of reductions on plateaus so far (``plateau_cuts``).
        factor: Factor of each reduction.
    """

    step: int
    total: int
    warmup: float
    cuts: int = 0
    factor: float = 1.0


def cosine(state: ScheduleState) -> float:
    """Linear warm-up to 1, then a half cosine down to 1 % (Loshchilov and Hutter 2017)."""
    rising = int(state.warmup * state.total)
    if state.step < rising:
        return (state.step + 1) / rising
    progress = (state.step - rising) / max(1, state.total - rising)
    return FINAL_FRACTION + (1 - FINAL_FRACTION) * _falling(min(1.0, progress))


def one_cycle(state: ScheduleState) -> float:
    """A half cosine up from 1/25 over 30 % of the steps, then one down to 1/10000."""
    rising = RISE * state.total
    if state.step < rising:
        return 1 - (1 - START_FRACTION) * _falling(state.step / rising)
    progress = (state.step - rising) / max(1.0, state.total - rising)
    return END_FRACTION + (1 - END_FRACTION) * _falling(min(1.0, progress))


def plateau(state: ScheduleState) -> float:
    """Linear warm-up to 1, then a reduction on every plateau of the validation."""
    return constant(state) * state.factor**state.cuts


def constant(state: ScheduleState) -> float:
    """Linear warm-up to 1, then 1."""
    rising = int(state.warmup * state.total)
    return min(1.0, (state.step + 1) / rising) if rising else 1.0


SCHEDULES: dict[str, Callable[[ScheduleState], float]] = {
    "cosine": cosine,
    "one_cycle": one_cycle,
    "plateau": plateau,
    "constant": constant,
}


def plateau_cuts(errors: Sequence[float], patience: int) -> int:
    """Number of reductions after the validation errors of the epochs so far.

    One for every ``patience + 1`` epochs in a row that are not better than the best before; the
    count then starts again, as in PyTorch's ``ReduceLROnPlateau``.
    """
    best, stalled, cuts = math.inf, 0, 0
    for error in errors:
        if error < best:
            best, stalled = error, 0
        else:
            stalled += 1
        if stalled > patience:
            cuts, stalled = cuts + 1, 0
    return cuts


def epochs_without_gain(errors: Sequence[float]) -> int:
    """Number of epochs since the lowest validation error."""
    return len(errors) - 1 - errors.index(min(errors)) if errors else 0


def _falling(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))
