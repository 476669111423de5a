import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.core.errors import ConfigError
from utkage.data.split import SplitConfig, assign_split
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.resolve import MODES, FixConfig, resolve


def decide(records, config=None, split="train"):
    config = config or FixConfig(max_distance=4)
    groups = find_duplicates(records, config.max_distance)
    decisions = resolve(records, groups, lambda component: split, config)
    return {record.name: decision for record, decision in zip(records, decisions, strict=True)}


def kept(decisions):
    return sorted(name for name, decision in decisions.items() if decision.kept)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_of_agreeing_duplicates_the_largest_stays(make_record, split):
    decisions = decide(
        [
            make_record("small", bits=0, age=30),
            make_record("large", bits=0b111, age=33, size=300),
            make_record("also", pixels="large", bits=0b111, age=33, size=300),
        ],
        split=split,
    )
    # Of the two identical large pictures the first name stays.
    assert kept(decisions) == ["also"]
    assert decisions["large"].reason == "duplicate of also"
    assert decisions["small"].reason == "near-duplicate of also (distance 3)"
    assert {decision.split for decision in decisions.values()} == {split}


@pytest.mark.parametrize(
    ("mode", "split", "expected"),
    [
        ("keep-one", "train", ["a", "b"]),
        ("keep-one", "val", []),
        ("keep-one", "test", []),
        ("drop-conflicts", "train", []),
        ("drop-conflicts", "test", []),
        ("none", "test", ["a", "b"]),
    ],
)
def test_conflicting_duplicates(make_record, mode, split, expected):
    records = [make_record("a", age=20), make_record("b", age=24)]
    decisions = decide(records, FixConfig(mode=mode, max_distance=4), split)
    assert kept(decisions) == expected
    if not expected:
        assert (
            decisions["a"].reason == "conflicting labels of 2 near-duplicates: ages 4 years apart"
        )


def test_genders_conflict_at_equal_age(make_record):
    records = [make_record("a", pixels="p", gender=0), make_record("b", pixels="p", gender=1)]
    decisions = decide(records, split="val")
    assert kept(decisions) == []
    assert decisions["b"].reason == "conflicting labels of 2 duplicates: both genders"


def test_age_tolerance_decides(make_record):
    records = [make_record("a", age=20), make_record("b", age=24)]
    assert len(kept(decide(records, FixConfig(max_distance=4, age_tolerance=4), "test"))) == 1


def listed(records, names, config=None, split="train"):
    config = config or FixConfig(max_distance=4)
    groups = find_duplicates(records, config.max_distance)
    indices = [index for index, record in enumerate(records) if record.name in names]
    decisions = resolve(records, groups, lambda component: split, config, None, indices)
    return {record.name: decision for record, decision in zip(records, decisions, strict=True)}


def test_copies_do_not_take_the_place_of_a_picture_whose_label_is_wrong(make_record):
    records = [
        make_record("wrong", pixels="p", age=8),
        make_record("copy", pixels="p", age=8),
        make_record("recoded", bits=0b11, age=10),
        make_record("other", bits=0xFFFF << 64, age=8),
    ]
    decisions = listed(records, ["wrong"])
    assert kept(decisions) == ["other"]
    assert decisions["wrong"].reason == "in the list of pictures to drop"
    reason = "same photograph and label as one in the list of pictures to drop"
    assert decisions["copy"].reason == decisions["recoded"].reason == reason


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_wrong_label_conflicts_with_no_other_once_it_is_dropped(make_record, split):
    records = [
        make_record("wrong", pixels="p", age=8),
        make_record("right", pixels="p", age=60),
        make_record("small", bits=0b1, age=61, size=100),
    ]
    decisions = listed(records, ["wrong"], split=split)
    assert kept(decisions) == ["right"]
    assert decisions["small"].reason == "near-duplicate of right (distance 1)"


def test_without_resolving_duplicates_only_listed_pictures_are_dropped(make_record):
    records = [make_record("wrong", pixels="p"), make_record("copy", pixels="p")]
    assert kept(listed(records, ["wrong"], FixConfig(mode="none"))) == ["copy"]
    assert kept(listed(records, ["wrong", "copy"])) == []


@pytest.mark.parametrize("mode", MODES)
def test_constant_pictures_are_removed_unless_the_mode_is_none(make_record, mode):
    records = [make_record("blank", constant=True), make_record("face")]
    decisions = decide(records, FixConfig(mode=mode, max_distance=4))
    assert kept(decisions) == (["blank", "face"] if mode == "none" else ["face"])
    if mode != "none":
        assert decisions["blank"].reason == "all pixels have one colour"


@pytest.mark.parametrize(
    "wrong", [{"mode": "all"}, {"max_distance": -2}, {"max_distance": 257}, {"age_tolerance": -1}]
)
def test_impossible_settings(wrong):
    with pytest.raises(ConfigError):
        FixConfig(**wrong)


@settings(max_examples=60)
@given(
    shapes=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(20, 26), st.integers(0, 1)),
        max_size=14,
    ),
    mode=st.sampled_from(MODES),
    max_distance=st.integers(-1, 12),
    seed=st.integers(0, 99),
)
def test_duplicates_never_cross_splits_and_order_does_not_matter(
    make_record, shapes, mode, max_distance, seed
):
    records = [
        make_record(f"n{k}", pixels=f"{p}-{bits}", bits=(1 << bits) - 1, age=age, gender=gender)
        for k, (p, bits, age, gender) in enumerate(shapes)
    ]
    config = FixConfig(mode=mode, max_distance=max_distance)
    split = SplitConfig(seed=seed, val=0.3, test=0.3)

    def run(records):
        groups = find_duplicates(records, max_distance)
        decisions = resolve(
            records, groups, lambda component: assign_split(component, split), config
        )
        for group in groups.groups:
            splits = {decisions[index].split for index in group.members}
            assert len(splits) == 1
            staying = sum(decisions[index].kept for index in group.members)
            if mode == "none":
                assert staying == len(group.members)
            elif not group.conflicts(config.age_tolerance):
                assert staying == 1
        assert all(decision.kept == (decision.reason is None) for decision in decisions)
        return {r.name: d for r, d in zip(records, decisions, strict=True)}

    order = np.random.default_rng(seed).permutation(len(records)).tolist()
    assert run(records) == run([records[index] for index in order])
