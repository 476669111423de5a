import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.engines.training.schedule import FINAL_FRACTION, learning_rate


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(1e-5, 1), st.floats(0, 0.9))
def test_up_once_and_down_once(total: int, peak: float, warmup: float) -> None:
    rates = [learning_rate(step, total, peak, warmup) for step in range(total)]
    rising = int(warmup * total)
    assert all(0 < rate <= peak * (1 + 1e-9) for rate in rates)
    assert max(rates) == pytest.approx(peak)
    assert rates[rising] == pytest.approx(peak)
    for step in range(1, total):
        down = step > rising
        change = rates[step] - rates[step - 1]
        assert (change <= 1e-12) if down else (change >= -1e-12)
    assert min(rates[rising:]) >= peak * FINAL_FRACTION * (1 - 1e-9)


def test_end_points() -> None:
    assert learning_rate(0, 1000, 2.0, 0.1) == pytest.approx(0.02)
    assert learning_rate(49, 1000, 2.0, 0.1) == pytest.approx(1.0)
    assert learning_rate(99, 1000, 2.0, 0.1) == pytest.approx(2.0)
    assert learning_rate(550, 1000, 2.0, 0.1) == pytest.approx(2.0 * (0.01 + 0.99 / 2))
    assert learning_rate(999, 1000, 2.0, 0.1) == pytest.approx(0.02, rel=1e-3)
    assert learning_rate(1000, 1000, 2.0, 0.1) == pytest.approx(0.02)
    assert learning_rate(0, 1000, 2.0, 0.0) == 2.0
    assert learning_rate(0, 1, 2.0, 0.9) == 2.0
