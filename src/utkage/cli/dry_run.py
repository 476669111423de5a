"""The table of ``utkage train --dry-run``."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from utkage.reporting.table import Table

if TYPE_CHECKING:
    from utkage.training.dry_run import DryRunResult


def dry_run_table(result: DryRunResult) -> Table:
    """The estimated costs of a training."""
    epochs = str(result.epochs)
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
        text = f"{cost.step_seconds:.3f} s per step, {_time(cost.epoch_seconds)} per epoch, "
        rows.append((f"at {cost.size} pixels", f"{text}epochs: {cost.epochs}"))
    if result.teacher_seconds:
        rows.append(("predictions of the teachers", _time(result.teacher_seconds)))
    rows += [
        ("validation", _time(result.validation_seconds)),
        ("total time", _time(result.total_seconds)),
    ]
    if result.epochs_done:
        rows.append(("remaining time", _time(result.remaining_seconds)))
    memory = "" if result.peak_memory_bytes is None else f"{_size(result.peak_memory_bytes)}, "
    disk = f"{_size(result.disk_bytes)} in {result.run}"
    rows += [
        ("peak memory", f"{memory}{result.memory_kind}"),
        ("disk", f"{disk}, {_size(result.checkpoint_bytes)} per checkpoint"),
    ]
    return Table.of(f"{result.system}: nothing was written", ("", ""), rows)


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return str(datetime.timedelta(seconds=round(seconds)))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
