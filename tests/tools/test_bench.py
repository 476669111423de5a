"""Benchmarks can fail: bars, exit codes, ratios and memory."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tools.bench import __main__ as command
from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.timing import interleaved, peak_growth, speeds


def test_a_bar_is_missed_on_the_wrong_side_and_by_nan() -> None:
    assert Measurement(name="a", value=0.9, unit="", at_least=0.9).passed
    assert not Measurement(name="a", value=0.89, unit="", at_least=0.9).passed
    assert not Measurement(name="a", value=5.1, unit="s", at_most=5).passed
    missed = Measurement(name="a", value=float("nan"), unit="s", at_most=5)
    assert str(missed).startswith("MISSED a: nan s [bar: at most 5]")


@pytest.mark.parametrize(("value", "missed"), [(1.0, 0), (0.5, 1)])
def test_missed_bars_are_counted(
    value: float, missed: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bench(options: BenchOptions) -> BenchResult:
        return BenchResult([Measurement(name="speed", value=value, unit="", at_least=0.9)])

    monkeypatch.setattr(command, "BENCHMARKS", {"drawn": bench})
    monkeypatch.setattr("sys.argv", ["bench"])
    assert command.main() == missed
    monkeypatch.setattr("sys.argv", ["bench", "--quick"])
    assert command.main() == 0
    assert ("MISSED" in capsys.readouterr().out) == bool(missed)


def test_a_slower_run_has_a_lower_speed() -> None:
    runs = {"bare": lambda: time.sleep(0.01), "slow": lambda: time.sleep(0.03)}
    times = interleaved(runs, 3)
    assert len(times["slow"]) == 3
    assert speeds(times["bare"], times["slow"]).median < 0.6


def test_the_growth_of_memory_counts_what_was_freed_again() -> None:
    assert peak_growth(lambda: np.ones(12_500_000).sum() and time.sleep(0.02)) > 50
    assert peak_growth(lambda: time.sleep(0.02)) < 20
