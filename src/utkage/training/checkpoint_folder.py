"""The checkpoints of a run: the newest few, and the one to resume from."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import TrainingError
from utkage.core.reporter import Reporter
from utkage.training.checkpoint import Checkpoint
from utkage.training.config_groups import RunConfig

_NAME = re.compile(r"checkpoint-(\d{8,})\.pt")


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints in a run folder, named by their step.

    Attributes:
        folder: Run folder.
        keep: Number of checkpoints to keep; an old one is removed when the new one is complete.
    """

    folder: Path
    keep: int = 1

    def paths(self) -> list[Path]:
        """The checkpoint files, oldest first."""
        found = [path for path in self.folder.glob("checkpoint-*.pt") if _NAME.fullmatch(path.name)]
        return sorted(found, key=_step)

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove the oldest above ``keep``."""
        path = self.folder / f"checkpoint-{checkpoint.step:08d}.pt"
        checkpoint.save(path)
        for old in self.paths()[: -self.keep]:
            old.unlink(missing_ok=True)

    def newest(self, reporter: Reporter) -> Checkpoint | None:
        """The newest checkpoint that can be read; None if there is no checkpoint.

        Raises:
            TrainingError: none of the checkpoints can be read.
        """
        paths = self.paths()
        for path in reversed(paths):
            try:
                return Checkpoint.load(path)
            except TrainingError as error:
                if path == paths[0]:
                    raise
                reporter.warn(f"{error}; trying the one before it")
        return None


def is_due(step: int, saved_at: float, config: RunConfig) -> bool:
    """Whether to write a checkpoint.

    Args:
        step: Number of steps done.
        saved_at: Time of the last checkpoint, on the clock ``time.monotonic``.
        config: Settings of the intervals.
    """
    if config.checkpoint_steps and step % config.checkpoint_steps == 0:
        return True
    return time.monotonic() - saved_at > 60 * config.checkpoint_minutes


@contextlib.contextmanager
def explaining_lost_writes(folder: Path) -> Iterator[None]:
    """Explain how to resume after a full disk or another operating system error.

    Raises:
        TrainingError: in place of the operating system's error.
    """
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


def _step(path: Path) -> int:
    return int(path.stem.split("-")[1])
