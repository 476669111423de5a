"""Trials of one kind, in a process that may be ended and replaced."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from tools.fuzz.outcome import Outcome
from tools.warm_process import computed_seconds, end_with_parent
from utkage.core.process_memory import peak_memory

# Seconds of computation after which a trial is a hang, and the longest preparation of a kind.
HANG = 10.0
# The same for kinds with commands that take their time, such as the dry run of a training.
SLOW = 40.0
_SETUP = 600.0
# A trial that computes too little, because it waits or the machine is busy, may take so many times
# as long by the clock.
WAITING = 6
_POLL_SECONDS = 0.2
# Seconds in which a process that hangs writes where.
_STACK_SECONDS = 2.0
_IMPORTS = (
    *("torchvision.models", "matplotlib.pyplot", "onnxruntime", "pyarrow.parquet"),
    *("utkage.cli.app", "utkage.training.train", "utkage.prediction.predict_inputs"),
    "utkage.evaluation.evaluate",
)
# Address space of a trial, bytes: allocations beyond fail instead of using the whole machine.
_ADDRESS_SPACE = 12 << 30


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of hostile input.

    Attributes:
        name: Name on the command line.
        set_up: Writes valid inputs into a folder, once for each process.
        run: Writes a mutated input into a folder and runs a command on it. Arguments: random
            numbers, the folder of ``set_up`` and an empty folder.
        hang: Seconds of computation, of all threads together, after which a trial counts as a hang
            and is ended; six times as many by the clock end it as well.
    """

    name: str
    set_up: Callable[[Path], None]
    run: Callable[[Random, Path, Path], Outcome]
    hang: float = HANG


@dataclass
class Count:
    """The result of a campaign.

    Attributes:
        trials: Number of trials.
        problems: Number of trials by problem.
        failures: The problem of each of these trials, by number.
        codes: Number of trials by exit code.
        slowest: Seconds of the slowest trial.
        peak: Largest memory of the process, bytes.
    """

    kind: str
    seed: int
    trials: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0

    @property
    def failed(self) -> int:
        """Number of trials with a problem."""
        return sum(self.problems.values())

    def add(self, number: int, outcome: Outcome, seconds: float) -> None:
        """Count one trial."""
        self.trials += 1
        self.slowest = max(self.slowest, seconds)
        self.codes[str(outcome.exit_code)] += 1
        if outcome.problem:
            self.problems[outcome.problem] += 1
            self.failures[number] = outcome.problem

    def __str__(self) -> str:
        problems = ", ".join(f"{count} {name}" for name, count in sorted(self.problems.items()))
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(self.codes.items()))
        return (
            f"== {self.kind}, seed {self.seed}: {self.trials} trials, {problems or 'no problem'}; "
            f"exit codes {codes}; slowest {self.slowest:.1f} s; peak {self.peak / 1e9:.2f} GB"
        )


def import_commands() -> None:
    """Import what commands import when they are used.

    Otherwise the first trial of each process would take seconds longer than the others.
    """
    for name in _IMPORTS:
        importlib.import_module(name)


def run_campaign(
    kind: Kind,
    *,
    seconds: float,
    seed: int,
    trials: int | None = None,
    keep: Path | None = None,
    set_up_seconds: float = _SETUP,
) -> Count:
    """Run trials of a kind, and print every problem as it is found.

    Args:
        kind: The kind.
        seconds: Time for the trials and what they start from.
        seed: Seed of all mutations.
        trials: Largest number of trials.
        keep: Folder for the inputs of trials with a problem.
        set_up_seconds: Time for what the trials start from; there is no trial if it is not enough.
    """
    count = Count(kind.name, seed)
    ends = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        number = 0
        try:
            worker = _Worker(kind, seed, Path(name), set_up_seconds)
        except TimeoutError as error:
            print(f"-- {error}", flush=True)
            return count
        try:
            while time.monotonic() < ends and number != trials:
                started = time.monotonic()
                outcome = worker.run(number)
                count.add(number, outcome, time.monotonic() - started)
                count.peak = max(count.peak, worker.peak)
                if outcome.problem:
                    print(f"-- {kind.name} --seed {seed} --trial {number}\n{outcome}", flush=True)
                    if keep is not None:
                        _keep(worker.trial_folder, keep / f"{kind.name}-{seed}-{number}")
                number += 1
        except KeyboardInterrupt:
            # What has been tried counts.
            print(f"-- {kind.name}: ended by Ctrl-C", flush=True)
        finally:
            worker.end()
    return count


def repeat_trial(kind: Kind, seed: int, number: int, keep: Path | None = None) -> Outcome:
    """Run one trial of a campaign again."""
    ((_, outcome),) = repeat_trials(kind, seed, [number], keep)
    return outcome


def repeat_trials(
    kind: Kind, seed: int, numbers: Iterable[int], keep: Path | None = None
) -> Iterator[tuple[int, Outcome]]:
    """Run trials of a campaign again; yields the number and the outcome of each."""
    with tempfile.TemporaryDirectory() as name:
        worker = _Worker(kind, seed, Path(name))
        try:
            for number in numbers:
                outcome = worker.run(number)
                if keep is not None:
                    _keep(worker.trial_folder, keep / f"{kind.name}-{seed}-{number}")
                yield number, outcome
        finally:
            worker.end()


def _keep(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, dirs_exist_ok=True, symlinks=True)


class _Worker:
    """A process that runs one trial after another, and is replaced by a new one when it ends."""

    def __init__(self, kind: Kind, seed: int, folder: Path, set_up_seconds: float = _SETUP) -> None:
        self._kind, self._seed, self._folder = kind, seed, folder
        self._set_up_seconds = set_up_seconds
        self.trial_folder = folder / "trial"
        self.peak = 0
        self._start()

    def run(self, number: int) -> Outcome:
        """The outcome of a trial; a hang or a crash is one as well."""
        shutil.rmtree(self.trial_folder, ignore_errors=True)
        self.trial_folder.mkdir()
        try:
            self._channel.send(number)
            if self._has_outcome():
                outcome, self.peak = self._channel.recv()
                assert isinstance(outcome, Outcome)
                return outcome
            problem, output = "hang", self._stack()
        except (EOFError, OSError):
            problem, output = "crash", ""
        self.end()
        described = self.trial_folder / _DESCRIPTION
        mutation = described.read_text() if described.is_file() else "not known"
        self._start()
        return Outcome(command=[self._kind.name], mutation=mutation, problem=problem, output=output)

    def _stack(self) -> str:
        """What the threads of a process that hangs are doing, newest call first."""
        written = self._folder / _STACK
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid or 0, signal.SIGUSR1)
        time.sleep(_STACK_SECONDS)
        return written.read_text("utf-8", "replace") if written.is_file() else ""

    def _has_outcome(self) -> bool:
        """Wait for the outcome of a trial; False if it hangs."""
        limit = self._kind.hang
        clock, computed = time.monotonic(), computed_seconds(self._process.pid)
        while not self._channel.poll(min(_POLL_SECONDS, limit)):
            waited = time.monotonic() - clock
            if computed_seconds(self._process.pid) - computed > limit or waited > WAITING * limit:
                return False
        return True

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._channel, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(self._kind, self._seed, self._folder, theirs), daemon=False
        )
        self._process.start()
        theirs.close()
        if not self._channel.poll(self._set_up_seconds):
            self.end()
            raise TimeoutError(
                f"{self._kind.name}: its valid inputs are not ready in {self._set_up_seconds:.0f} s"
            )
        self._channel.recv()


_DESCRIPTION = ".mutation"
_STACK = "stack.txt"


def describe_mutation(folder: Path, text: str) -> None:
    """Write down what a trial changes, for the case that its process ends."""
    (folder / _DESCRIPTION).write_text(text, encoding="utf-8", errors="backslashreplace")


def _work(kind: Kind, seed: int, folder: Path, channel: Connection) -> None:
    end_with_parent()
    valid, trial = folder / "valid", folder / "trial"
    os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
    if not valid.is_dir():
        valid.mkdir()
        kind.set_up(valid)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel.send(None)
    # Libraries in C print to stderr directly; nobody reads that here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    stack = (folder / _STACK).open("w")
    faulthandler.register(signal.SIGUSR1, stack)
    while True:
        number = channel.recv()
        os.chdir(trial)
        outcome = kind.run(Random(f"{kind.name}/{seed}/{number}"), valid, trial)
        os.chdir(folder)
        channel.send((outcome, peak_memory() or 0))
