"""Components of linked pictures, and the guard against giant ones."""

import numpy as np
import pytest

from utkage.preparation.audit import linked
from utkage.preparation.audit.linked import components, without_giant_components


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(linked, "EXACT_UP_TO", 5)
    monkeypatch.setattr(linked, "LARGEST_LEAST", 4)
    monkeypatch.setattr(linked, "LARGEST_SHARE", 0.0)


def rows(*pairs):
    return np.array(pairs, dtype=np.int64).reshape(-1, 3)


def test_components_are_those_of_the_links():
    labels = components(5, np.array([[0, 3], [3, 4]]))
    assert labels[0] == labels[3] == labels[4]
    assert len(set(labels.tolist())) == 3
    assert components(0, np.zeros((0, 2), np.int64)).shape == (0,)


def test_giant_component_loses_its_longest_links_only(small_limits):
    pairs = rows((0, 1, 3), (1, 2, 43), (2, 3, 8), (3, 4, 38), (4, 5, 2), (7, 8, 44))
    kept, divided = without_giant_components(9, pairs)
    # 43 bits go first; what is left has four members, which is not too large.
    assert kept.tolist() == rows(*[pair for pair in pairs.tolist() if pair[2] != 43]).tolist()
    assert divided == 6


def test_crowd_of_similar_pictures_stays_together(small_limits):
    pairs = rows(*[(k, k + 1, 20) for k in range(8)], (0, 8, 44))
    kept, divided = without_giant_components(9, pairs)
    assert kept.tolist() == pairs[:-1].tolist()
    assert divided == 9
    assert len(set(components(9, kept[:, :2]).tolist())) == 1


def test_small_sets_are_left_alone():
    pairs = rows(*[(k, k + 1, 44) for k in range(5000)])
    kept, divided = without_giant_components(5001, pairs)
    assert kept is pairs
    assert divided == 0
