import pytest

from utkage.preparation.audit.heaping import find_heaping


def test_even_ages_do_not_heap():
    heaping = find_heaping([age for age in range(0, 110) for _ in range(30)])
    assert heaping.share == pytest.approx(0.2)
    assert heaping.index == pytest.approx(100)
    assert heaping.spikes == ()
    assert heaping.adults == 90 * 30


def test_only_fives_give_500():
    heaping = find_heaping([30] * 50 + [45] * 50)
    assert heaping.index == pytest.approx(500)
    assert [spike.age for spike in heaping.spikes] == [30, 45]
    assert heaping.spikes[0].ratio is None


def test_children_do_not_count_for_heaping():
    heaping = find_heaping([5] * 100 + [21] * 4 + [25])
    assert heaping.adults == 5
    assert heaping.share == pytest.approx(0.2)


def test_spike_is_over_twice_its_neighbours():
    flat = [age for age in range(20, 40) for _ in range(50)]
    assert find_heaping(flat + [26] * 50).spikes == ()
    (spike,) = find_heaping(flat + [26] * 60).spikes
    assert (spike.age, spike.faces, spike.neighbours) == (26, 110, 50)
    assert spike.ratio == pytest.approx(2.2)


def test_few_faces_are_no_spike():
    assert find_heaping([70] * 12 + [71, 72, 69]).spikes == ()


def test_spikes_at_the_edges():
    spikes = find_heaping([0] * 100 + [1] * 10 + [2] * 10 + [116] * 40).spikes
    assert [(spike.age, spike.neighbours) for spike in spikes] == [(0, 10), (116, 0)]


def test_nothing():
    heaping = find_heaping([])
    assert heaping.share is None
    assert heaping.index is None
    assert heaping.spikes == ()
    assert sum(heaping.counts) == 0
