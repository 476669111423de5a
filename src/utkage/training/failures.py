"""Interrupted and failing trainings: everything is saved, and the error says what to do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from utkage.core.errors import TrainingError
from utkage.core.memory_errors import is_memory_error
from utkage.core.reporter import Reporter
from utkage.core.signals import deferred_stop_signals, interruption, work_to_save


@contextlib.contextmanager
def explaining_step_errors(device: torch.device, memory_settings: str) -> Iterator[None]:
    """Raise a TrainingError that explains too little memory or a compiler that fails.

    ``memory_settings`` names what to lower against the first.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_memory_error(error):
            raise TrainingError(f"{device}: out of memory; lower {memory_settings}") from error
        if _is_about_compiling(error):
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise TrainingError(
                f"torch.compile failed ({reason.strip()[:200]}); train without it "
                "(`compile=false`), or install what it needs: on a CPU a C++ compiler such as g++, "
                "named by the environment variable CXX"
            ) from error
        raise


@contextlib.contextmanager
def stop_between_steps(agree: Callable[[bool], bool] = bool) -> Iterator[Callable[[], None]]:
    """Hold back stop signals, which could strike in the middle of an update.

    A signal after the last call of the yielded function is raised at the end of the body.

    Args:
        agree: Function from whether this process received a signal to whether all processes stop.

    Yields:
        A function to call after each whole step; it raises KeyboardInterrupt if a signal came.
    """
    with deferred_stop_signals() as came:

        def check() -> None:
            if agree(came() > 0):
                raise interruption(came())

        yield check
    if threading.current_thread() is threading.main_thread():
        check()


@contextlib.contextmanager
def saving_on_interrupt(
    save: Callable[[], None], folder: Path, reporter: Reporter
) -> Iterator[None]:
    """Call ``save`` when the body is interrupted, and explain how to resume."""
    try:
        with work_to_save():
            yield
    except KeyboardInterrupt:
        # Another signal does not end the saving, unless the user insists (``cli.stop_limit``).
        with deferred_stop_signals():
            save()
        reporter.warn(f"stopped; the same command with `run={folder}` resumes it")
        raise


@contextlib.contextmanager
def explaining_lost_writes(folder: Path) -> Iterator[None]:
    """Raise a TrainingError that explains how to resume after a full disk or another OSError."""
    try:
        yield
    except BrokenPipeError:
        # The reader has closed stdout; the command line handles that.
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise TrainingError(
            f"{where}{error.strerror or error}; the checkpoint in {folder} is unchanged: make room "
            f"or fix the error, and the same command with `run={folder}` resumes the training"
        ) from error


def _is_about_compiling(error: Exception) -> bool:
    # By name: importing the compiler takes seconds, and is done already if it failed.
    return type(error).__module__.startswith(("torch._dynamo.", "torch._inductor."))
