import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.preparation.audit.duplicates import _stars, find_duplicates
from utkage.preparation.audit.perceptual import distance


def names(records, group):
    return sorted(records[index].name for index in group.members)


def low_bits(count: int) -> int:
    return (1 << count) - 1


def test_kinds_are_the_loosest_link(make_record):
    records = [
        make_record("alone", bits=low_bits(250)),
        make_record("byte1", pixels="b", content="b", bits=low_bits(201)),
        make_record("byte2", pixels="b", content="b", bits=low_bits(201)),
        make_record("pix1", pixels="p", bits=low_bits(90)),
        make_record("pix2", pixels="p", bits=low_bits(90)),
        make_record("near1", bits=low_bits(20) << 120),
        make_record("near2", bits=low_bits(24) << 120),
    ]
    groups = find_duplicates(records, 4)
    assert {tuple(names(records, group)): group.kind for group in groups.groups} == {
        ("alone",): "single",
        ("byte1", "byte2"): "byte",
        ("pix1", "pix2"): "pixel",
        ("near1", "near2"): "near",
    }
    assert len(groups.repeated()) == 3
    assert groups.group_of(0).members == (0,)


def test_distance_is_inclusive_and_negative_means_exact_only(make_record):
    records = [make_record("a"), make_record("b", bits=low_bits(5)), make_record("a2", pixels="a")]
    assert len(find_duplicates(records, 5).groups) == 1
    assert len(find_duplicates(records, 4).groups) == 2
    assert len(find_duplicates(records, -1).groups) == 2


def test_group_id_is_the_smallest_pixel_hash(make_record):
    records = [make_record(name, bits=0) for name in "abcd"]
    (group,) = find_duplicates(records, 0).groups
    assert group.id == group.component == min(record.pixel_hash for record in records)


def test_a_chain_is_one_component_but_not_one_group(make_record):
    records = [make_record(f"link{k}", bits=low_bits(10 * k)) for k in range(7)]
    groups = find_duplicates(records, 10)
    assert len(groups.groups) > 1
    assert len({group.component for group in groups.groups}) == 1
    for group in groups.groups:
        members = [records[index].perceptual for index in group.members]
        assert any(all(distance(centre, other) <= 10 for other in members) for centre in members)


def test_constant_pictures_are_duplicates_of_identical_ones_only(make_record):
    records = [
        make_record("black", constant=True),
        make_record("white", constant=True),
        make_record("black2", pixels="black", constant=True),
        make_record("face"),
    ]
    groups = find_duplicates(records, 256)
    assert sorted(len(group.members) for group in groups.groups) == [1, 1, 2]


@pytest.mark.parametrize(
    ("ages", "genders", "conflict"),
    [((30, 33), (0, 0), False), ((30, 34), (0, 0), True), ((30, 30), (0, 1), True)],
)
def test_conflicts(make_record, ages, genders, conflict):
    records = [
        make_record(f"n{k}", pixels="same", age=age, gender=gender)
        for k, (age, gender) in enumerate(zip(ages, genders, strict=True))
    ]
    (group,) = find_duplicates(records, 0).groups
    assert group.conflicts(3) is conflict


@settings(max_examples=60)
@given(
    shapes=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40)), max_size=14),
    max_distance=st.integers(-1, 30),
    seed=st.integers(0, 99),
)
def test_groups_are_a_partition_that_order_does_not_change(make_record, shapes, max_distance, seed):
    records = [
        make_record(f"n{k}", pixels=f"{pixels}-{bits}", bits=low_bits(bits))
        for k, (pixels, bits) in enumerate(shapes)
    ]
    order = np.random.default_rng(seed).permutation(len(records)).tolist()
    shuffled = [records[index] for index in order]

    def shape(records):
        groups = find_duplicates(records, max_distance)
        assert sorted(i for group in groups.groups for i in group.members) == list(
            range(len(records))
        )
        for index in range(len(records)):
            assert index in groups.group_of(index).members
        return [(g.id, g.component, g.kind, names(records, g)) for g in groups.groups]

    assert shape(records) == shape(shuffled)


@settings(max_examples=60)
@given(bits=st.lists(st.integers(0, 60), max_size=12), max_distance=st.integers(0, 20))
def test_near_pictures_are_always_in_one_component(make_record, bits, max_distance):
    records = [make_record(f"n{k}", bits=low_bits(count)) for k, count in enumerate(bits)]
    groups = find_duplicates(records, max_distance)
    for i, first in enumerate(records):
        for j, second in enumerate(records):
            if distance(first.perceptual, second.perceptual) <= max_distance:
                assert groups.group_of(i).component == groups.group_of(j).component


def slow_stars(component, neighbours):
    left, stars = set(component), []
    while left:
        centre = min(left, key=lambda node: (-len(neighbours.get(node, set()) & left), node))
        stars.append(sorted({centre, *(neighbours.get(centre, set()) & left)}))
        left.difference_update(stars[-1])
    return stars


@settings(max_examples=60)
@given(links=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=60))
def test_stars_are_those_of_the_plain_search(links):
    neighbours = {node: frozenset() for node in range(21)}
    for first, second in links:
        if first != second:
            neighbours[first] |= {second}
            neighbours[second] |= {first}
    assert _stars(list(range(21)), neighbours) == slow_stars(list(range(21)), neighbours)
