import pytest

from utkage.training import loop
from utkage.training.loop import RemainingTime


def test_the_time_of_further_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(loop.time, "monotonic", lambda: now)
    remaining = RemainingTime(step=10, total=40)
    now = 130.0
    # Fifteen steps took 30 seconds; fifteen are left.
    assert remaining.text(25) == "0:00:30 left"
    assert remaining.text(40) == "0:00:00 left"
