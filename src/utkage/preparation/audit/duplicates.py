"""Which pictures are copies of one another, exact or near.

Two nested partitions are made, because two mistakes have to be avoided:

* A **family** is a connected component of the near-pair graph: whatever is linked, even through
  others, is in it. Splits are drawn for families, so that no picture has a near-copy in another
  split.
* A **group** is what is treated as one photograph. Through a chain of near pairs two different
  faces could meet, so that linkage alone is not enough: every member must be within
  ``max_distance`` of one picture of the group, its centre. A family is cut into such stars,
  the best-connected centre first. Most families are one group.

Both depend on the set of pictures only, not on their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from utkage.data.records import Record
from utkage.preparation.audit.perceptual import hash_array, near_pairs

# The loosest link that a group needs.
SINGLE = "single"
BYTE = "byte"
PIXEL = "pixel"
NEAR = "near"


@dataclass(frozen=True)
class Group:
    """Pictures that are taken for one photograph.

    Attributes:
        id: The smallest pixel hash (hex) among the members.
        family: The smallest pixel hash of the family; a split is drawn for it.
        kind: ``single``, ``byte`` (all files identical), ``pixel`` (all pictures identical) or
            ``near``.
        members: Indices of the records, in the order of pixel hash, source and name.
        age_spread: Highest minus lowest age, years.
        genders: The genders that occur, sorted.
    """

    id: str
    family: str
    kind: str
    members: tuple[int, ...]
    age_spread: int
    genders: tuple[int, ...]

    def conflicts(self, age_tolerance: int) -> bool:
        """Whether ages lie further apart than ``age_tolerance`` years, or genders differ."""
        return self.age_spread > age_tolerance or len(self.genders) > 1


@dataclass(frozen=True)
class Groups:
    """Every record's group.

    Attributes:
        groups: All groups, singles too, sorted by their id.
        of: Index into ``groups`` of each record, (n,).
    """

    groups: tuple[Group, ...]
    of: tuple[int, ...]

    def group_of(self, index: int) -> Group:
        """The group of the record with this index."""
        return self.groups[self.of[index]]

    def repeated(self) -> tuple[Group, ...]:
        """The groups of two members or more."""
        return tuple(group for group in self.groups if len(group.members) > 1)


def near_share(groups: Groups) -> float:
    """Share of all pictures that are in groups of near-copies, 0..1."""
    near = sum(len(group.members) for group in groups.groups if group.kind == NEAR)
    return near / len(groups.of) if groups.of else 0.0


def find_groups(records: Sequence[Record], max_distance: int) -> Groups:
    """Partition the records into groups of copies.

    Args:
        records: Any pictures, of any number of sources.
        max_distance: Largest distance of perceptual hashes, bits, that still counts as a copy;
            a negative number leaves exact copies only.
    """
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_pixels[record.pixel_hash].append(index)
    # Identical bytes mean identical pixels, so pixels decide; distinct pictures are the nodes.
    pictures = sorted(by_pixels)
    neighbours = _neighbours([records[by_pixels[picture][0]] for picture in pictures], max_distance)
    groups = [
        _group(records, [index for node in star for index in by_pixels[pictures[node]]], family)
        for component in _components(len(pictures), neighbours)
        for family in (pictures[component[0]],)
        for star in _stars(component, neighbours)
    ]
    groups.sort(key=lambda group: group.id)
    of = [0] * len(records)
    for position, group in enumerate(groups):
        for index in group.members:
            of[index] = position
    return Groups(tuple(groups), tuple(of))


def _neighbours(pictures: list[Record], max_distance: int) -> Mapping[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    # A picture of one colour has an empty hash that says nothing about any other picture.
    usable = [node for node, picture in enumerate(pictures) if not picture.constant]
    if max_distance >= 0 and usable:
        hashes = hash_array([pictures[node].perceptual for node in usable])
        for first, second, _ in near_pairs(hashes, max_distance).tolist():
            found[usable[first]].add(usable[second])
            found[usable[second]].add(usable[first])
    return found


def _components(count: int, neighbours: Mapping[int, set[int]]) -> list[list[int]]:
    """Connected components, each sorted, by union-find whose root is the smallest node."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for node, linked in neighbours.items():
        for other in linked:
            first, second = root(node), root(other)
            parent[max(first, second)] = min(first, second)
    members: dict[int, list[int]] = defaultdict(list)
    for node in range(count):
        members[root(node)].append(node)
    return list(members.values())


def _stars(component: list[int], neighbours: Mapping[int, set[int]]) -> list[list[int]]:
    """Cut a component into a centre and its neighbours, again and again, largest first."""
    left = set(component)
    stars: list[list[int]] = []
    while left:
        centre = min(left, key=lambda node: (-len(neighbours.get(node, set()) & left), node))
        star = {centre, *(neighbours.get(centre, set()) & left)}
        stars.append(sorted(star))
        left -= star
    return stars


def _group(records: Sequence[Record], indices: list[int], family: str) -> Group:
    members = sorted(
        indices,
        key=lambda index: (
            records[index].pixel_hash,
            records[index].source,
            records[index].name,
            records[index].byte_hash,
        ),
    )
    chosen = [records[index] for index in members]
    if len(chosen) == 1:
        kind = SINGLE
    elif len({record.byte_hash for record in chosen}) == 1:
        kind = BYTE
    elif len({record.pixel_hash for record in chosen}) == 1:
        kind = PIXEL
    else:
        kind = NEAR
    ages = [record.label.age for record in chosen]
    return Group(
        id=chosen[0].pixel_hash,
        family=family,
        kind=kind,
        members=tuple(members),
        age_spread=max(ages) - min(ages),
        genders=tuple(sorted({record.label.gender for record in chosen})),
    )
