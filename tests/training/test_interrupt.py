"""Stopping between steps: a signal is held back, and never lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from utkage.core.reporter import SilentReporter
from utkage.training.failures import saving_on_interrupt, stop_between_steps


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_the_step(number: signal.Signals) -> None:
    done = []

    def steps() -> None:
        with stop_between_steps() as check:
            check()
            os.kill(os.getpid(), number)
            done.append("the rest of the step")
            check()
            done.append("another step")

    with pytest.raises(KeyboardInterrupt):
        steps()
    assert done == ["the rest of the step"]


def test_a_signal_behind_the_last_step_is_not_lost(tmp_path: Path) -> None:
    saved = []

    def last_step() -> None:
        with (
            saving_on_interrupt(lambda: saved.append(1), tmp_path, SilentReporter()),
            stop_between_steps() as check,
        ):
            check()
            os.kill(os.getpid(), signal.SIGTERM)

    former = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        last_step()
    assert saved == [1]
    assert signal.getsignal(signal.SIGTERM) is former


def test_all_stop_where_one_is_told_to() -> None:
    with pytest.raises(KeyboardInterrupt), stop_between_steps(lambda mine: True):
        pass
