import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from utkage.training.schedule import (
    FINAL_FRACTION,
    RISE,
    ScheduleState,
    constant,
    cosine,
    epochs_without_gain,
    one_cycle,
    plateau,
    plateau_cuts,
)


@given(st.integers(1, 400), st.floats(0, 0.9))
def test_cosine_goes_up_once_and_down_once(total: int, warmup: float) -> None:
    rates = [cosine(ScheduleState(step, total, warmup)) for step in range(total)]
    rising = int(warmup * total)
    assert all(0 < rate <= 1 + 1e-9 for rate in rates)
    assert rates[rising] == max(rates) == pytest.approx(1)
    for step in range(1, total):
        change = rates[step] - rates[step - 1]
        assert (change <= 1e-12) if step > rising else (change >= -1e-12)
    assert min(rates[rising:]) >= FINAL_FRACTION * (1 - 1e-9)


@pytest.mark.parametrize(
    ("step", "warmup", "rate"),
    [(0, 0.1, 0.01), (49, 0.1, 0.5), (99, 0.1, 1), (550, 0.1, 0.505), (1000, 0.1, 0.01), (0, 0, 1)],
)
def test_end_points_of_cosine(step: int, warmup: float, rate: float) -> None:
    assert cosine(ScheduleState(step, 1000, warmup)) == pytest.approx(rate)


def test_one_cycle_is_that_of_torch() -> None:
    total = 200
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = OneCycleLR(
        optimizer,
        1.0,
        total,
        pct_start=RISE + 1 / total,
        final_div_factor=400,
        cycle_momentum=False,
    )
    for step in range(total - 1):
        assert one_cycle(ScheduleState(step, total, 0)) == pytest.approx(
            optimizer.param_groups[0]["lr"], abs=0.02
        )
        optimizer.step()
        theirs.step()


def test_constant_rises_and_stays() -> None:
    assert [constant(ScheduleState(step, 10, 0.4)) for step in range(6)] == [
        0.25,
        0.5,
        0.75,
        1,
        1,
        1,
    ]
    assert constant(ScheduleState(0, 10, 0)) == 1


@given(st.lists(st.integers(1, 9).map(float), max_size=30), st.integers(0, 4))
def test_plateaus_are_those_of_torch(errors: list[float], patience: int) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, threshold=0, eps=0)
    for error in errors:
        theirs.step(error)
    cuts = plateau_cuts(errors, patience)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5**cuts)
    assert plateau(ScheduleState(5, 10, 0, cuts, 0.5)) == pytest.approx(0.5**cuts)


def test_epochs_without_gain() -> None:
    assert epochs_without_gain([]) == 0
    assert epochs_without_gain([3.0]) == 0
    assert epochs_without_gain([3.0, 2.0, 2.5, 2.0]) == 2
    assert math.isclose(plateau(ScheduleState(0, 10, 0)), 1)
