"""The simulation of many nodes agrees with the closed form, and loses no shard."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tools.scale.model import Plan, closed_form, simulate

PLAN = Plan(
    pictures=1_000_000,
    picture_bytes=100_000,
    shard=1000,
    core_seconds=0.1,
    nodes=1,
    cores=16,
    start_seconds=60,
    link_bytes=1e9,
)


@pytest.mark.parametrize("nodes", [1, 10, 100, 1000])
def test_without_failures_it_is_the_closed_form(nodes: int) -> None:
    plan = replace(PLAN, nodes=nodes, link_bytes=1e15)
    found = simulate(plan)
    assert found.hours == pytest.approx(closed_form(plan), rel=0.01)
    assert found.node_hours == pytest.approx(nodes * found.hours)
    assert found.lost == 0


def test_a_link_that_is_full_bounds_the_time() -> None:
    plan = replace(PLAN, nodes=1000)
    assert simulate(plan).hours == pytest.approx(closed_form(plan), rel=0.1)
    assert simulate(plan).hours > 1_000_000 * 100_000 / 1e9 / 3600


def test_failures_cost_what_the_closed_form_says() -> None:
    # A shard takes 6.25 s; failures every six minutes repeat many of them.
    plan = replace(PLAN, nodes=4, mean_hours=0.1, link_bytes=1e15)
    found = [simulate(plan, seed) for seed in range(5)]
    mean = sum(each.hours for each in found) / len(found)
    assert mean == pytest.approx(closed_form(plan), rel=0.05)
    assert all(each.lost > 0 for each in found)
    assert simulate(plan, 3) == found[3]
    assert mean > 1.1 * simulate(replace(plan, mean_hours=math.inf)).hours
