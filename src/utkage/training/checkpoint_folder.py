"""The checkpoints of a run: the newest few, and which of them to go on from."""

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
        folder: The run folder.
        keep: How many to keep; a new one is whole before an old one goes.
    """

    folder: Path
    keep: int = 1

    def paths(self) -> list[Path]:
        """The checkpoints there are, oldest first."""
        found = [path for path in self.folder.glob("checkpoint-*.pt") if _NAME.fullmatch(path.name)]
        return sorted(found, key=_step)

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove those that are too many."""
        path = self.folder / f"checkpoint-{checkpoint.step:08d}.pt"
        checkpoint.save(path)
        for old in self.paths()[: -self.keep]:
            old.unlink(missing_ok=True)

    def newest(self, reporter: Reporter) -> Checkpoint | None:
        """The newest one that can be read; None if there is none.

        Raises:
            TrainingError: there are some, and none can be read.
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
    """Whether a checkpoint is to be written.

    Args:
        step: Steps done.
        saved_at: When the last one was written, on the clock ``time.monotonic``.
        config: Says how often.
    """
    if config.checkpoint_steps and step % config.checkpoint_steps == 0:
        return True
    return time.monotonic() - saved_at > 60 * config.checkpoint_minutes


@contextlib.contextmanager
def explaining_lost_writes(folder: Path) -> Iterator[None]:
    """Say how to go on after a full disk, or another error of the system.

    Raises:
        TrainingError: in place of the system's error.
    """
    try:
        yield
    except BrokenPipeError:
        # Nobody listens any more; that is for the command line to judge.
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise TrainingError(
            f"{where}{error.strerror or error}; the checkpoint in {folder} is as it was: make room "
            f"or mend it, and the same command with `run={folder}` resumes the training"
        ) from error


def _step(path: Path) -> int:
    return int(path.stem.split("-")[1])
