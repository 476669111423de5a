"""The time of a prediction on many nodes: a simulation, and a closed form to check it with.

Nodes take shards from one queue. A node reads a shard over a link that all nodes share, and
computes it on all its cores meanwhile. Nodes fail at random; a failed node loses its shard, which
is taken again, and returns after a while. Listing is not part of it: a manifest or archives give
the shards.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is predicted, and where.

    Attributes:
        pictures: Number of pictures.
        picture_bytes: Mean size of a picture in its file.
        shard: Pictures in a shard, the unit that is lost and repeated.
        core_seconds: Time of all stages of a picture on one core that is busy with nothing else.
        nodes: Number of nodes.
        cores: Cores of each node.
        start_seconds: Time until a node takes its first shard, and after each failure.
        link_bytes: Bytes per second that the storage gives to all nodes together.
        mean_hours: Mean time between two failures of a node, hours; infinite without failures.
    """

    pictures: int
    picture_bytes: float
    shard: int
    core_seconds: float
    nodes: int
    cores: int
    start_seconds: float
    link_bytes: float
    mean_hours: float = math.inf

    @property
    def shards(self) -> int:
        """Number of shards."""
        return math.ceil(self.pictures / self.shard)

    @property
    def shard_seconds(self) -> float:
        """Time in which a node computes a shard."""
        return self.shard * self.core_seconds / self.cores

    @property
    def read_seconds(self) -> float:
        """Time in which the whole link reads a shard."""
        return self.shard * self.picture_bytes / self.link_bytes


@dataclass(frozen=True)
class Outcome:
    """Time until the last shard is done in hours, node-hours until then, and shards lost."""

    hours: float
    node_hours: float
    lost: int


def simulate(plan: Plan, seed: int = 0) -> Outcome:
    """Run the nodes until all shards are done; a pure function of its arguments."""
    random = np.random.default_rng(seed)
    environment = simpy.Environment()
    link = simpy.Resource(environment)
    left, lost, done = plan.shards, 0, 0
    finished = environment.event()

    def node() -> Generator[Any, Any, None]:
        nonlocal left, lost, done
        yield environment.timeout(plan.start_seconds)
        fails = environment.now + _lifetime(plan, random)
        while left:
            left -= 1
            # The next shard is read while this one is computed, so only the longer of both counts.
            started = environment.now
            with link.request() as turn:
                yield turn
                yield environment.timeout(plan.read_seconds)
            wait = max(0.0, started + plan.shard_seconds - environment.now)
            if environment.now + wait > fails:
                yield environment.timeout(max(0.0, fails - environment.now) + plan.start_seconds)
                lost, left = lost + 1, left + 1
                fails = environment.now + _lifetime(plan, random)
                continue
            yield environment.timeout(wait)
            done += 1
            if done == plan.shards:
                finished.succeed()

    for _ in range(plan.nodes):
        environment.process(node())
    # A node that failed takes its shard, or another one, again, so all of them are done in the end.
    environment.run(until=finished)
    hours = environment.now / 3600
    return Outcome(hours, hours * plan.nodes, lost)


def closed_form(plan: Plan) -> float:
    """Expected hours where one bound rules: computing or the link, with failures.

    A shard of s seconds on a node that fails at a rate f and needs r seconds to return takes
    (1 / f + r) (exp(f s) - 1) on average (Daly 2006, Future Generation Computer Systems 22, eq. 13,
    without checkpoints inside a shard).
    """
    each = max(plan.shard_seconds, plan.read_seconds)
    if math.isfinite(plan.mean_hours):
        rate = 1 / (3600 * plan.mean_hours)
        each = (1 / rate + plan.start_seconds) * math.expm1(rate * each)
    computing = math.ceil(plan.shards / plan.nodes) * each
    return (plan.start_seconds + max(computing, plan.shards * plan.read_seconds)) / 3600


def _lifetime(plan: Plan, random: np.random.Generator) -> float:
    if not math.isfinite(plan.mean_hours):
        return math.inf
    return float(random.exponential(3600 * plan.mean_hours))
