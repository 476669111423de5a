"""The table of ``utkage train --dry-run``."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from utkage.training.dry_run import DryRunResult


def print_dry_run(result: DryRunResult, json_output: bool) -> None:
    """Print a table, or JSON, on stdout."""
    if json_output:
        typer.echo(json.dumps(result.to_dict(), indent=2))
        return
    from utkage.cli.tables import print_table
    from utkage.reporting.table import Table

    title = f"{result.system}: nothing was written"
    print_table(Table.of(title, ("", ""), _rows(result)))


def _rows(result: DryRunResult) -> list[tuple[str, str]]:
    epochs = f"{result.epochs}"
    if result.epochs_done:
        epochs += f", {result.epochs_done} of them done in {result.run}"
    rows = [
        ("device", f"{result.device} ({result.reason})"),
        ("threads", str(result.threads)),
        ("chips", ", ".join(f"{name} {count}" for name, count in result.chips.items())),
        ("parameters", f"{result.parameters:,}"),
        ("steps per epoch", f"{result.steps_per_epoch} of {result.batch_size} chips"),
        ("epochs", epochs),
    ]
    for cost in result.sizes:
        rows.append(
            (
                f"at {cost.size} pixels",
                f"{cost.step_seconds:.3f} s per step, {_time(cost.epoch_seconds)} per epoch, "
                f"epochs: {cost.epochs}",
            )
        )
    if result.teacher_seconds:
        rows.append(("predictions of the teachers", _time(result.teacher_seconds)))
    rows += [
        ("validation", _time(result.validation_seconds)),
        ("total time", _time(result.total_seconds)),
    ]
    if result.epochs_done:
        rows.append(("remaining time", _time(result.remaining_seconds)))
    memory = "" if result.peak_memory_bytes is None else f"{_size(result.peak_memory_bytes)}, "
    return [
        *rows,
        ("peak memory", f"{memory}{result.memory_kind}"),
        (
            "disk",
            f"{_size(result.disk_bytes)} in {result.run}, {_size(result.checkpoint_bytes)} per "
            "checkpoint",
        ),
    ]


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return str(datetime.timedelta(seconds=round(seconds)))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
