from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from utkage.cli.dry_run import dry_run_table
from utkage.training.dry_run import DryRunResult, SizeCost

RESULT = DryRunResult(
    system="multitask",
    device="cpu",
    reason="no GPU",
    threads=2,
    chips={"train": 100, "val": 20, "test": 20},
    parameters=1_234_567,
    batch_size=8,
    steps_per_epoch=12,
    epochs=5,
    epochs_done=0,
    sizes=(SizeCost(32, 2, 0.25, 5.0), SizeCost(64, 3, 1.0, 3725.4)),
    validation_seconds=2.0,
    teacher_seconds=0.0,
    total_seconds=11186.2,
    remaining_seconds=11186.2,
    peak_memory_bytes=1_500_000_000,
    memory_kind="growth of the process",
    checkpoint_bytes=20_000_000,
    disk_bytes=52_000_000,
    run=Path("runs") / "x",
)


def shown(result: DryRunResult) -> dict[str, str]:
    return {name.text: value.text for name, value in dry_run_table(result).rows}


def test_costs_as_text() -> None:
    found = shown(RESULT)
    assert found["device"] == "cpu (no GPU)"
    assert found["chips"] == "train 100, val 20, test 20"
    assert found["parameters"] == "1,234,567"
    assert found["at 32 pixels"] == "0.250 s per step, 5.0 s per epoch, epochs: 2"
    assert found["at 64 pixels"] == "1.000 s per step, 1:02:05 per epoch, epochs: 3"
    assert found["total time"] == "3:06:26"
    assert found["peak memory"] == "1,500.0 MB, growth of the process"
    assert found["disk"] == f"52.0 MB in {RESULT.run}, 20.0 MB per checkpoint"
    assert not {"remaining time", "predictions of the teachers"} & set(found)
    assert dry_run_table(RESULT).title == "multitask: nothing was written"


def test_a_run_to_resume_and_teachers_and_unknown_memory() -> None:
    found = shown(
        replace(
            RESULT,
            epochs_done=2,
            remaining_seconds=59.96,
            teacher_seconds=61.0,
            peak_memory_bytes=None,
            memory_kind="not known",
        )
    )
    assert found["epochs"] == f"5, 2 of them done in {RESULT.run}"
    assert found["remaining time"] == "60.0 s"
    assert found["predictions of the teachers"] == "0:01:01"
    assert found["peak memory"] == "not known"
