"""Errors of PyTorch name the settings to change; a signal waits for the end of a step."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch

from utkage.core.errors import TrainingError
from utkage.core.reporter import SilentReporter
from utkage.core.signals import Stopped, is_saving, raising_stop_signals
from utkage.training.failures import explaining_step_errors, saving_on_interrupt, stop_between_steps

CPU = torch.device("cpu")


def test_a_compiler_that_fails_is_explaining_step_errors() -> None:
    from torch._inductor.exc import InvalidCxxCompiler

    wanted = r"torch\.compile failed .*compile=false.*g\+\+"
    with pytest.raises(TrainingError, match=wanted), explaining_step_errors(CPU, "nothing"):
        raise InvalidCxxCompiler


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to..."),
    ],
    ids=["cuda", "cpu"],
)
def test_too_little_memory_names_what_to_lower(error: RuntimeError) -> None:
    wanted = r"^cpu: out of memory; lower --batch-size$"
    with pytest.raises(TrainingError, match=wanted), explaining_step_errors(CPU, "--batch-size"):
        raise error


def test_other_errors_are_left_alone() -> None:
    with (
        pytest.raises(RuntimeError, match=r"^shapes differ$"),
        explaining_step_errors(CPU, "nothing"),
    ):
        raise RuntimeError("shapes differ")


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

    with pytest.raises(KeyboardInterrupt) as caught:
        steps()
    assert isinstance(caught.value, Stopped) == (number == signal.SIGTERM)
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


def test_an_interrupted_training_has_time_to_save(tmp_path: Path) -> None:
    saving = []

    def train() -> None:
        with saving_on_interrupt(lambda: saving.append(is_saving()), tmp_path, SilentReporter()):
            saving.append(is_saving())
            raise KeyboardInterrupt

    with raising_stop_signals(), pytest.raises(KeyboardInterrupt):
        train()
    assert saving == [True, True]


def test_all_stop_where_one_is_told_to() -> None:
    with pytest.raises(KeyboardInterrupt), stop_between_steps(lambda mine: True):
        pass
