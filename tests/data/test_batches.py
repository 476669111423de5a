import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from utkage.data.batches import epoch_order, steps_per_epoch


@given(st.integers(0, 300), st.integers(0, 2**31 - 1), st.integers(0, 1000))
def test_an_order_is_a_permutation_of_its_arguments_only(count: int, seed: int, epoch: int) -> None:
    order = epoch_order(count, seed, epoch)
    assert sorted(order.tolist()) == list(range(count))
    np.random.seed(epoch)  # the global state must not matter
    np.testing.assert_array_equal(order, epoch_order(count, seed, epoch))


def test_epochs_and_seeds_differ() -> None:
    orders = [epoch_order(200, seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 6


@given(st.integers(1, 5000), st.integers(2, 256))
def test_steps_are_the_full_batches(count: int, batch: int) -> None:
    steps = steps_per_epoch(count, batch)
    assert steps >= 1
    if count >= batch:
        assert steps * batch <= count < (steps + 1) * batch
    else:
        assert steps == 1
