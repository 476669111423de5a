import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utkage.core.errors import ConfigError
from utkage.data.split import SPLITS, SplitConfig, assign_split, merge_splits, split_hash

HASHES = st.lists(
    st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=30, unique=True
)


CONFIGS = st.builds(SplitConfig, st.integers(0, 2**40), st.floats(0, 0.49), st.floats(0, 0.49))


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(str(index).encode()).hexdigest() for index in range(count)]


@given(HASHES, HASHES, CONFIGS)
def test_adding_pictures_moves_none(first: list[str], more: list[str], config: SplitConfig) -> None:
    before = {value: assign_split(value, config) for value in first}
    after = {value: assign_split(value, config) for value in [*more, *reversed(first)]}
    assert {value: after[value] for value in first} == before
    assert set(after.values()) <= set(SPLITS)


@pytest.mark.parametrize(("val", "test"), [(0.1, 0.1), (0.05, 0.3), (0.0, 0.2), (0.2, 0.0)])
def test_fractions_are_met(val: float, test: float) -> None:
    config = SplitConfig(3, val, test)
    found = [assign_split(value, config) for value in hashes(5000)]
    for name, wanted in {"val": val, "test": test, "train": 1 - val - test}.items():
        # Four standard deviations of a binomial share.
        slack = 4 * (wanted * (1 - wanted) / 5000) ** 0.5
        assert abs(found.count(name) / 5000 - wanted) <= slack


def test_another_seed_is_an_unrelated_split() -> None:
    chosen = [
        {value for value in hashes(5000) if assign_split(value, SplitConfig(seed)) == "test"}
        for seed in (0, 1)
    ]
    shared = len(chosen[0] & chosen[1]) / len(chosen[0])
    assert 0.02 < shared < 0.2, "one in ten falls into both by chance"


def test_a_larger_test_fraction_only_adds() -> None:
    small, large = SplitConfig(0, 0, 0.1), SplitConfig(0, 0, 0.2)
    for value in hashes(1000):
        if assign_split(value, small) == "test":
            assert assign_split(value, large) == "test"


def test_the_assignment_is_frozen() -> None:
    # Prepared sets of earlier versions must keep their meaning.
    found = "".join(assign_split(value, SplitConfig())[:2] for value in hashes(24))
    expected = ""
    for value in hashes(24):
        place = int(hashlib.sha256(f"0:{value}".encode()).hexdigest()[:16], 16) / 16**16
        expected += "te" if place < 0.1 else "va" if place < 0.2 else "tr"
    assert found == expected


@given(HASHES, st.randoms(use_true_random=False))
def test_the_split_hash_forgets_the_order_only(values: list[str], shuffler: random.Random) -> None:
    members = [(value, assign_split(value, SplitConfig())) for value in values]
    expected = split_hash(members)
    shuffled = list(members)
    shuffler.shuffle(shuffled)
    assert split_hash(shuffled) == split_hash(iter(members)) == expected
    assert len(expected) == 16
    moved = [(members[0][0], "elsewhere"), *members[1:]]
    assert split_hash(moved) != expected
    assert split_hash(members[1:]) != expected
    assert split_hash([*members, ("00" * 32, "train")]) != expected


@pytest.mark.parametrize(
    ("val", "test"),
    [
        (-0.1, 0.1),
        (0.1, -0.1),
        (0.5, 0.5),
        (1.0, 0.0),
        (0.0, 1.0),
        (0.9, 0.9),
        (float("nan"), 0.1),
        (0.1, float("nan")),
        (float("inf"), 0.1),
    ],
)
def test_impossible_fractions(val: float, test: float) -> None:
    with pytest.raises(ConfigError, match="fractions"):
        SplitConfig(0, val, test)


@given(
    st.lists(st.text("0123456789abcdef", min_size=8, max_size=8), min_size=1, max_size=6),
    st.text("0123456789abcdef", min_size=8, max_size=8),
)
def test_a_component_never_leaves_training(members: list[str], added: str) -> None:
    config = SplitConfig(0, 0.3, 0.3)
    before = merge_splits(assign_split(member, config) for member in members)
    after = merge_splits(assign_split(member, config) for member in [*members, added])
    order = ("train", "val", "test")
    assert order.index(after) <= order.index(before)
