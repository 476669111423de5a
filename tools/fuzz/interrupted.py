"""Commands that are stopped by kill -9 or another signal, and pairs with the same output."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tools.fuzz.campaign import WAITING, Kind, describe_mutation
from tools.fuzz.outcome import Outcome
from tools.fuzz.outputs import FOREIGN, Files, damaged_files, is_hidden, read_files
from tools.fuzz.small_commands import (
    COMMANDS,
    INPUTS,
    LONGEST,
    OUT,
    SmallCommand,
    require_done,
    text_of,
    write_inputs,
)
from tools.warm_process import Running
from utkage.core.errors import ExitCode

# Half of the signals are those that nobody can handle.
_SIGNALS = (*(signal.SIGKILL,) * 3, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Usual time of a server until the signal, seconds.
_SERVED = 5.0
# Seconds that a command may compute after a signal.
_AFTER_SIGNAL = 10.0
_SHORTEST_WAIT = 0.001
_REFUSALS = "another utkage is writing", "already exists", "was made meanwhile"


def usual_seconds(name: str, folder: Path) -> float:
    """Seconds that a command takes undisturbed; the first call leaves its output in ``name``."""
    record = folder / f"{name}.seconds"
    if not record.is_file():
        command = COMMANDS[name]
        (folder / OUT).mkdir()
        began = time.monotonic()
        if not command.serves:
            require_done(command.words, folder)
        seconds = _SERVED if command.serves else time.monotonic() - began
        (folder / OUT).rename(folder / name)
        record.write_text(str(seconds))
    return float(record.read_text())


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A command in a folder with its inputs and, in half of the trials, its former output.

    Attributes:
        name: Name of its output.
        folder: Working directory.
        seconds: Its usual duration.
        inputs_at: Folder of the inputs.
        inputs: What they hold.
        undisturbed: What the command writes when nothing stops it.
        has_former: Whether the output is there already.
    """

    name: str
    folder: Path
    seconds: float
    inputs_at: Path
    inputs: Files
    undisturbed: Files
    has_former: bool

    @property
    def command(self) -> SmallCommand:
        """The command."""
        return COMMANDS[self.name]

    @property
    def out(self) -> Path:
        """Folder of the output."""
        return self.folder / OUT

    def start(self) -> Running:
        """Start the command, and wait until signals reach it."""
        running = Running(self.command.words, self.folder)
        while not running.has_begun and running.poll() is None:
            time.sleep(_SHORTEST_WAIT)
        return running

    def is_writing(self) -> bool:
        """Whether a lock or a temporary file is in the folder of the output."""
        hidden = self.out.glob(".*")
        return any(path.name != FOREIGN for path in hidden)

    def interrupted_problem(self) -> str:
        """What an interrupted command has done that it must not do, or an empty text."""
        lost = set(self.undisturbed) - set(read_files(self.out))
        if self.has_former and not self.command.is_alone and lost:
            return f"lost: {sorted(lost)}"
        return self._common_problem()

    def finished_problem(self) -> str:
        """What is wrong with the output after a command that ran to its end."""
        files = read_files(self.out)
        files.pop(FOREIGN, None)
        if left := [name for name in files if is_hidden(name)]:
            return f"left behind: {left}"
        if other := set(files) ^ set(self.undisturbed):
            return f"differs: {sorted(other)}"
        if self.command.has_same_bytes and files != self.undisturbed:
            return "differs: other bytes than those of an undisturbed run"
        return self._common_problem()

    def _common_problem(self) -> str:
        if found := damaged_files(self.out):
            return f"half file: {found}"
        if not self.command.is_alone and read_files(self.out).get(FOREIGN) != b"mine":
            return f"lost: {FOREIGN}"
        return "" if read_files(self.inputs_at) == self.inputs else "lost: an input has changed"

    def outcome(
        self, mutation: str, problem: str, done: subprocess.CompletedProcess[str] | None
    ) -> Outcome:
        """The outcome of the trial; a problem is a word, and details after a colon."""
        kind, _, details = problem.partition(": ")
        return Outcome(
            command=self.command.words,
            mutation=f"{self.name}, {'again' if self.has_former else 'new'}: {mutation}",
            problem=kind,
            exit_code=None if done is None else done.returncode,
            output=f"{details}\n{'' if done is None else text_of(done)}",
        )


def _drawn_trial(random: Random, valid: Path, folder: Path, names: list[str]) -> _Trial:
    name = random.choice(names)
    command = COMMANDS[name]
    trial = _Trial(
        name=name,
        folder=folder,
        seconds=usual_seconds(name, valid),
        inputs_at=valid / INPUTS,
        inputs=read_files(valid / INPUTS),
        undisturbed=read_files(valid / name),
        has_former=random.random() < 0.5 and not command.is_new,
    )
    (folder / INPUTS).symlink_to(valid / INPUTS, target_is_directory=True)
    if trial.has_former:
        shutil.copytree(valid / name, trial.out)
    if not command.is_alone:
        trial.out.mkdir(exist_ok=True)
        (trial.out / FOREIGN).write_bytes(b"mine")
    return trial


def _finish(
    running: Running, seconds: float = LONGEST
) -> tuple[str, subprocess.CompletedProcess[str] | None]:
    """The problem that the end of a command shows, and its end; None for a hang.

    It hangs if it computes longer than ``seconds``, or takes six times as long by the clock.
    """
    running.wait(seconds, WAITING * seconds)
    try:
        done = running.finish(0)
    except subprocess.TimeoutExpired as error:
        # Where it hangs.
        return f"hang: {error.stderr!s}", None
    text = text_of(done)
    if "Traceback (most recent call last)" in text:
        return "traceback", done
    return ("unexpected" if "error: unexpected " in text else ""), done


def _run_killed(random: Random, valid: Path, folder: Path) -> Outcome:
    trial = _drawn_trial(random, valid, folder, list(COMMANDS))
    number = random.choice(_SIGNALS)
    # Most of a short command is its start, so half of the signals come while it writes.
    while_writing = random.random() < 0.5
    moment = random.random()
    writing = " of it, since it began to write" if while_writing else " of its usual time"
    mutation = f"{number.name} after {moment:.0%}{writing}"
    describe_mutation(folder, mutation)
    running = trial.start()
    if while_writing:
        _wait_until(running, trial.is_writing)
    _wait_until(running, lambda: False, moment * trial.seconds)
    if running.poll() is None:
        running.send_signal(number)
    problem, done = _finish(running, _AFTER_SIGNAL)
    # Before it handles signals, the operating system ends it.
    ends = (ExitCode.DONE, 128 + number, -number)
    if done is not None and done.returncode not in ends:
        problem = problem or "exit code"
    if problem := problem or trial.interrupted_problem():
        return trial.outcome(mutation, problem, done)
    if trial.command.is_new and done is not None and done.returncode == ExitCode.DONE:
        return trial.outcome(mutation, trial.finished_problem(), done)
    problem, again = _run_again(trial)
    problem = problem or trial.finished_problem()
    return trial.outcome(mutation, problem, again if problem else done)


def _run_again(trial: _Trial) -> tuple[str, subprocess.CompletedProcess[str] | None]:
    """Run the command undisturbed; a server is stopped when it listens."""
    running = trial.start()
    if trial.command.serves:
        _wait_until(running, lambda: "http://" in running.printed)
        running.send_signal(signal.SIGTERM)
    problem, done = _finish(running)
    expected = ExitCode.TERMINATED if trial.command.serves else ExitCode.DONE
    if done is not None and done.returncode != expected:
        problem = problem or "not finished"
    return problem, done


def _wait_until(running: Running, is_so: Callable[[], bool], seconds: float = LONGEST) -> None:
    """Wait for a time, until something is so or the command has ended."""
    ends = time.monotonic() + seconds
    while running.poll() is None and not is_so() and time.monotonic() < ends:
        time.sleep(_SHORTEST_WAIT)


def _run_pair(random: Random, valid: Path, folder: Path) -> Outcome:
    names = [name for name, command in COMMANDS.items() if not command.serves]
    trial = _drawn_trial(random, valid, folder, names)
    delay = random.choice((0.0, random.random() * 0.8)) * trial.seconds
    mutation = f"the second starts {delay:.2f} s after the first"
    describe_mutation(folder, mutation)
    first = trial.start()
    time.sleep(delay)
    ends = [_finish(trial.start()), _finish(first)]
    problem = next((problem for problem, _ in ends if problem), "")
    finished = [done for _, done in ends if done is not None]
    refused = [done for done in finished if done.returncode == ExitCode.USAGE]
    codes = {done.returncode for done in finished}
    if not problem and not {ExitCode.DONE} <= codes <= {ExitCode.DONE, ExitCode.USAGE}:
        problem = "exit code"
    if any(not any(text in done.stderr for text in _REFUSALS) for done in refused):
        problem = problem or "no clear refusal"
    shown = next(iter(refused), ends[0][1])
    return trial.outcome(mutation, problem or trial.finished_problem(), shown)


KILLS = Kind(name="kills", set_up=write_inputs, run=_run_killed, hang=2_000.0)
PAIRS = Kind(name="pairs", set_up=write_inputs, run=_run_pair, hang=2_000.0)
