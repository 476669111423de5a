"""Exact and near-duplicates: components, which share their split, and groups within them.

A component holds all pictures that near-duplicate pairs link, directly or through others. A chain
of pairs can link different faces, so components are divided into groups, each of which is treated
as one photograph: its members lie within ``max_distance`` of one picture, the centre. Neither
depends on the order of the pictures.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from utkage.core.reporter import Progress
from utkage.data.labels import AgeRange
from utkage.data.records import Record
from utkage.preparation.audit.linked import components, without_giant_components
from utkage.preparation.audit.near_pairs import near_pairs
from utkage.preparation.audit.perceptual import hash_array

# Kinds of groups, named after the loosest match that a group contains.
SINGLE = "single"
BYTE = "byte"
PIXEL = "pixel"
NEAR = "near"


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateGroup:
    """Pictures that are treated as one photograph.

    Attributes:
        id: Smallest pixel hash (hex) of the members.
        component: Smallest pixel hash of the component that the group belongs to.
        kind: ``single``, ``byte`` (all files identical), ``pixel`` (all decoded pictures
            identical) or ``near``.
        members: Indices of the records, ordered by pixel hash, source and name.
        age_spread: Highest minus lowest labelled age, years; between ranges, the gap.
        genders: Labelled genders, sorted, without repetition.
    """

    id: str
    component: str
    kind: str
    members: tuple[int, ...]
    age_spread: int
    genders: tuple[int, ...]

    def conflicts(self, age_tolerance: int) -> bool:
        """Whether the genders differ, or the ages by more than ``age_tolerance`` years."""
        return self.age_spread > age_tolerance or len(self.genders) > 1


@dataclass(frozen=True)
class DuplicateGroups:
    """The partition of all records into groups.

    Attributes:
        groups: All groups, including those of one member, sorted by id.
        of: Index into ``groups`` for each record, (n,).
        divided: Number of pictures in components so large that their longest links were removed.
    """

    groups: tuple[DuplicateGroup, ...]
    of: tuple[int, ...]
    divided: int = 0

    def group_of(self, index: int) -> DuplicateGroup:
        """The group of the record at ``index``."""
        return self.groups[self.of[index]]

    def repeated(self) -> tuple[DuplicateGroup, ...]:
        """The groups with at least two members."""
        return tuple(group for group in self.groups if group.kind != SINGLE)

    def near_duplicate_share(self) -> float:
        """Fraction of all pictures that are in groups of near-duplicates, 0..1."""
        near = sum(len(group.members) for group in self.groups if group.kind == NEAR)
        return near / len(self.of) if self.of else 0.0


def find_duplicates(
    records: Sequence[Record],
    max_distance: int,
    *,
    workers: int = 1,
    task: Progress | None = None,
) -> DuplicateGroups:
    """Partition the records into groups of duplicates.

    Args:
        records: Decoded pictures of any number of sources.
        max_distance: Largest distance between the perceptual hashes of near-duplicates, bits; a
            negative number finds exact duplicates only.
        workers: Number of threads that compare hashes.
        task: Progress of the comparison, as in ``near_pairs``.

    Raises:
        TooManyPairsError: most pictures are near-duplicates of very many others.
    """
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_pixels[record.pixel_hash].append(index)
    # Identical bytes imply identical pixels, so each distinct pixel hash is one node of the graph.
    pictures = sorted(by_pixels)
    neighbours: Mapping[int, frozenset[int]] = {}
    divided = 0
    if max_distance >= 0:
        nodes = [records[by_pixels[picture][0]] for picture in pictures]
        neighbours, divided = _neighbours(nodes, max_distance, workers, task)
    groups = [
        record_group(
            records, [index for node in star for index in by_pixels[pictures[node]]], component
        )
        for linked in _components(len(pictures), neighbours)
        for component in (pictures[linked[0]],)
        for star in _stars(linked, neighbours)
    ]
    groups.sort(key=lambda group: group.id)
    of = [0] * len(records)
    for position, group in enumerate(groups):
        for index in group.members:
            of[index] = position
    return DuplicateGroups(tuple(groups), tuple(of), divided)


def _neighbours(
    pictures: list[Record], max_distance: int, workers: int, task: Progress | None
) -> tuple[Mapping[int, frozenset[int]], int]:
    """The near-duplicates of each picture that has any, and the number of divided pictures."""
    # The hash of a picture of one colour is all zeros and matches unrelated pictures.
    usable = [node for node, picture in enumerate(pictures) if not picture.constant]
    hashes = hash_array([pictures[node].perceptual for node in usable])
    pairs = near_pairs(hashes, max_distance, workers=workers, task=task)
    pairs, divided = without_giant_components(len(usable), pairs)
    found: dict[int, set[int]] = defaultdict(set)
    for first, second, _ in pairs.tolist():
        found[usable[first]].add(usable[second])
        found[usable[second]].add(usable[first])
    return {node: frozenset(others) for node, others in found.items()}, divided


def _components(count: int, neighbours: Mapping[int, frozenset[int]]) -> list[list[int]]:
    """Connected components, each sorted, ordered by their first nodes."""
    links = [(node, other) for node, others in neighbours.items() for other in others]
    labels = components(count, np.array(links, dtype=np.int64).reshape(-1, 2))
    members: dict[int, list[int]] = defaultdict(list)
    for node, label in enumerate(labels.tolist()):
        members[label].append(node)
    return list(members.values())


def _stars(component: list[int], neighbours: Mapping[int, frozenset[int]]) -> list[list[int]]:
    """Divide a component into stars: repeatedly take the node with most remaining neighbours."""
    left = set(component)
    stars: list[list[int]] = []
    # Numbers of neighbours only fall, so the first entry that is still right is the largest.
    waiting = [(-len(neighbours.get(node, ())), node) for node in component]
    heapq.heapify(waiting)
    while left:
        claimed, centre = heapq.heappop(waiting)
        if centre not in left:
            continue
        remaining = neighbours.get(centre, frozenset()) & left
        if len(remaining) != -claimed:
            heapq.heappush(waiting, (-len(remaining), centre))
            continue
        stars.append(sorted((centre, *remaining)))
        left.difference_update(stars[-1])
    return stars


def record_group(
    records: Sequence[Record], indices: Sequence[int], component: str
) -> DuplicateGroup:
    """The records at ``indices``, at least one, as a group of ``component``."""
    order = attrgetter("pixel_hash", "source", "name", "byte_hash")
    members = sorted(indices, key=lambda index: order(records[index]))
    chosen = [records[index] for index in members]
    years = [record.label.years for record in chosen if record.label.years is not None]
    return DuplicateGroup(
        id=chosen[0].pixel_hash,
        component=component,
        kind=_kind(chosen),
        members=tuple(members),
        age_spread=_age_spread(years),
        genders=tuple(sorted({r.label.gender for r in chosen if r.label.gender is not None})),
    )


def _age_spread(years: Sequence[AgeRange]) -> int:
    """Years between the labels that are furthest apart; 0 if all overlap."""
    if not years:
        return 0
    return max(0, max(label.first for label in years) - min(label.last for label in years))


def _kind(members: Sequence[Record]) -> str:
    if len(members) == 1:
        return SINGLE
    if len({record.byte_hash for record in members}) == 1:
        return BYTE
    return PIXEL if len({record.pixel_hash for record in members}) == 1 else NEAR
