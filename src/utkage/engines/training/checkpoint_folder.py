"""The checkpoints of a run: the newest few, and which of them to go on from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import TrainingError
from utkage.core.reporter import Reporter
from utkage.engines.training.checkpoint import Checkpoint

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


def _step(path: Path) -> int:
    return int(path.stem.split("-")[1])
