"""``train --seeds``: the same training with several seeds, and how much their results differ."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from utkage.core.errors import ConfigError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.models.locate import RUNS_FOLDER
from utkage.training.run_folder import new_run_folder
from utkage.training.train import TrainRequest, TrainResult, train

# Metrics of the best epoch that are compared, by their names in its row.
COMPARED = (
    *("val_mae", "val_cs5", "val_range_accuracy", "val_gender_accuracy"),
    *("val_label_range_accuracy", "val_label_range_distance"),
)


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1) of a metric over seeds."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class SeedsResult:
    """Results of trainings that differ in their seed alone.

    Attributes:
        seeds: The seeds.
        results: The result with each seed.
    """

    seeds: tuple[int, ...]
    results: tuple[TrainResult, ...]

    @property
    def best_epochs(self) -> tuple[Mapping[str, Any], ...]:
        """The metrics of the best epoch of each training."""
        return tuple(result.epochs[result.best_epoch - 1] for result in self.results)

    @property
    def spreads(self) -> dict[str, Spread]:
        """Mean and standard deviation of each of ``COMPARED`` that every training has."""
        return {
            name: Spread(statistics.fmean(values), statistics.stdev(values))
            for name in COMPARED
            if (values := [row[name] for row in self.best_epochs if row.get(name) is not None])
            and len(values) == len(self.seeds)
        }

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; its form is stable within a schema number."""
        return {
            "schema": 1,
            "seeds": list(self.seeds),
            "runs": [result.to_dict() for result in self.results],
            "spread": {name: vars(found) for name, found in self.spreads.items()},
        }


def train_seeds(request: TrainRequest, count: int, reporter: Reporter | None = None) -> SeedsResult:
    """Train ``count`` times, with the seed of the request and those that follow it.

    Each training has its own run folder, ``NAME-seed<seed>``; finished ones are not repeated.

    Raises:
        ConfigError: fewer than two trainings.
        UtkageError: as ``train``.
    """
    if count < 2:
        raise ConfigError(f"`seeds` {count}: use 2 or more; one training has no deviation")
    reporter = reporter or SilentReporter()
    first = request.config.seed
    seeds = tuple(range(first, first + count))
    base = new_run_folder(RUNS_FOLDER) if request.run is None else request.run
    results = []
    for number, seed in enumerate(seeds, 1):
        reporter.info(f"training {number} of {count}, seed {seed}")
        run = _seed_folder(base, seed)
        config = replace(request.config, seed=seed)
        results.append(train(replace(request, run=run, config=config), reporter))
    return SeedsResult(seeds, tuple(results))


def _seed_folder(base: str | Path, seed: int) -> str:
    # Not as a path, which would lose the "./" of a folder in the working directory.
    return f"{str(base).rstrip('/')}-seed{seed}"
