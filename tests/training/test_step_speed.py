"""Steps that other programs slow down, or that become slower, are noticed."""

from __future__ import annotations

import pytest

from utkage.training import step_speed
from utkage.training.step_speed import WARM_UP, WINDOW, StepSpeed, contention


class Clock:
    """Times that the test advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, load: float, processors: int = 2) -> None:
        self.seconds = self.computed = 0.0
        monkeypatch.setattr(step_speed.time, "perf_counter", lambda: self.seconds)
        monkeypatch.setattr(step_speed.time, "process_time", lambda: self.computed)
        monkeypatch.setattr(step_speed, "_load", lambda: load)
        monkeypatch.setattr(step_speed, "available_processors", lambda: processors)

    def steps(self, speed: StepSpeed, count: int, seconds: float, computed: float) -> list[str]:
        messages = []
        for _ in range(count):
            with speed.step():
                self.seconds += seconds
                self.computed += computed
            if problem := speed.problem():
                messages.append(problem)
        return messages


def test_a_busy_machine_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, speed = Clock(monkeypatch, load=9.0), StepSpeed(2, on_cpu=True)
    speed.start(160)
    (message,) = clock.steps(speed, 4 * (WARM_UP + WINDOW), seconds=15.3, computed=2.4)
    assert "load 9.0 on 2" in message
    assert "takes 15 s, of which it computes 1.2 s" in message
    assert "`threads=1`" in message


@pytest.mark.parametrize("load", [0.0, 2.5])
def test_an_idle_machine_is_not(monkeypatch: pytest.MonkeyPatch, load: float) -> None:
    clock, speed = Clock(monkeypatch, load), StepSpeed(2, on_cpu=True)
    speed.start(160)
    assert clock.steps(speed, 40, seconds=1.0, computed=1.5) == []


def test_many_threads_that_wait_for_each_other_are_no_other_programs() -> None:
    # Few of 64 threads find work, but nothing else runs.
    assert contention(1.0, 6.4, threads=64, load=50.0, processors=64) is None
    assert contention(1.0, 6.4, threads=64, load=128.0, processors=64) is not None


def test_steps_that_become_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, speed = Clock(monkeypatch, load=0.0), StepSpeed(1, on_cpu=False)
    speed.start(128)
    assert clock.steps(speed, 40, seconds=0.5, computed=0.1) == []
    speed.start(128)
    (message,) = clock.steps(speed, 40, seconds=2.0, computed=0.1)
    assert message == "a step now takes 2 s; it took 0.5 s before"


def test_larger_chips_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, speed = Clock(monkeypatch, load=0.0), StepSpeed(1, on_cpu=False)
    speed.start(64)
    assert clock.steps(speed, 40, seconds=0.5, computed=0.1) == []
    speed.start(192)
    assert clock.steps(speed, 40, seconds=4.0, computed=0.1) == []
