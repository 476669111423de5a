"""Exact and near-duplicates: components, which share their split, and groups within them.

A component holds all pictures that near-duplicate pairs link, directly or through others. A chain
of pairs can link different faces, so components are divided into groups, each of which is treated
as one photograph: its members lie within ``max_distance`` of one picture, the centre. Neither
depends on the order of the pictures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from utkage.data.labels import AgeRange
from utkage.data.records import Record
from utkage.preparation.audit.perceptual import hash_array, near_pairs

# Kinds of groups, named after the loosest match that a group contains.
SINGLE = "single"
BYTE = "byte"
PIXEL = "pixel"
NEAR = "near"


@dataclass(frozen=True, kw_only=True)
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
    """

    groups: tuple[DuplicateGroup, ...]
    of: tuple[int, ...]

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


def find_duplicates(records: Sequence[Record], max_distance: int) -> DuplicateGroups:
    """Partition the records into groups of duplicates.

    Args:
        records: Decoded pictures of any number of sources.
        max_distance: Largest distance between the perceptual hashes of near-duplicates, bits; a
            negative number finds exact duplicates only.
    """
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_pixels[record.pixel_hash].append(index)
    # Identical bytes imply identical pixels, so each distinct pixel hash is one node of the graph.
    pictures = sorted(by_pixels)
    neighbours = _neighbours([records[by_pixels[picture][0]] for picture in pictures], max_distance)
    groups = [
        _group(records, [index for node in star for index in by_pixels[pictures[node]]], component)
        for nodes in _components(len(pictures), neighbours)
        for component in (pictures[nodes[0]],)
        for star in _stars(nodes, neighbours)
    ]
    groups.sort(key=lambda group: group.id)
    of = {index: position for position, group in enumerate(groups) for index in group.members}
    return DuplicateGroups(tuple(groups), tuple(of[index] for index in range(len(records))))


def _neighbours(pictures: list[Record], max_distance: int) -> Mapping[int, set[int]]:
    """The near-duplicates of each picture, by node."""
    found: dict[int, set[int]] = defaultdict(set)
    # The hash of a picture of one colour is all zeros and matches unrelated pictures.
    usable = [node for node, picture in enumerate(pictures) if not picture.constant]
    if max_distance >= 0 and usable:
        hashes = hash_array([pictures[node].perceptual for node in usable])
        for first, second, _ in near_pairs(hashes, max_distance).tolist():
            found[usable[first]].add(usable[second])
            found[usable[second]].add(usable[first])
    return found


def _components(count: int, neighbours: Mapping[int, set[int]]) -> list[list[int]]:
    """Connected components, each sorted, ordered by their first nodes."""
    unvisited = set(range(count))
    components = []
    for node in range(count):
        reached = {node} & unvisited
        component: set[int] = set()
        while reached:
            component |= reached
            unvisited -= reached
            reached = {other for member in reached for other in neighbours.get(member, ())}
            reached &= unvisited
        if component:
            components.append(sorted(component))
    return components


def _stars(component: list[int], neighbours: Mapping[int, set[int]]) -> list[list[int]]:
    """Divide a component into stars: repeatedly take the node with most remaining neighbours."""
    left = set(component)
    stars: list[list[int]] = []
    while left:
        centre = min(left, key=lambda node: (-len(neighbours.get(node, set()) & left), node))
        star = {centre, *(neighbours.get(centre, set()) & left)}
        stars.append(sorted(star))
        left -= star
    return stars


def _group(records: Sequence[Record], indices: list[int], component: str) -> DuplicateGroup:
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
