"""The findings of the audit as one frozen object with a JSON form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from utkage.data.labels import GENDERS, RACES, RANGE_NAMES, AgeRange
from utkage.data.records import Dropped, Record, by_kind, first_place
from utkage.data.split import SPLITS, SplitConfig
from utkage.preparation.audit.duplicates import BYTE, NEAR, PIXEL, DuplicateGroups
from utkage.preparation.audit.heaping import Heaping, find_heaping
from utkage.preparation.audit.perceptual import distance
from utkage.preparation.audit.resolve import (
    CONFLICTING,
    DUPLICATE_OF,
    NEAR_DUPLICATE_OF,
    Decision,
    FixConfig,
)
from utkage.preparation.audit.strata import (
    PartialLabels,
    Stratum,
    build_strata,
    count_partial_labels,
    stratum_dict,
)

SCHEMA = 1

# Titles of the reasons that ``resolve`` gives; any other reason is its own title. The last
# alternatives match the reasons in sets of earlier versions.
_TITLES = {
    re.compile(f"{DUPLICATE_OF}|copy of "): "duplicate of another picture",
    re.compile(f"{NEAR_DUPLICATE_OF}|near-copy of "): "near-duplicate of another picture",
    re.compile(rf"{CONFLICTING}|\d+ (near-)?copies of this "): "duplicates with conflicting labels",
}
# Keys of schema 1 that differ from the titles.
_JSON_TITLES = {
    "duplicate of another picture": "copy of another picture",
    "near-duplicate of another picture": "near-copy of another picture",
    "duplicates with conflicting labels": "copies with contradicting labels",
}


@dataclass(frozen=True)
class SourceCounts:
    """Number of decoded pictures of one source, and number of kept ones."""

    name: str
    readable: int
    kept: int


@dataclass(frozen=True)
class DroppedGroup:
    """Pictures that were removed for the same kind of reason."""

    title: str
    pictures: tuple[Dropped, ...]

    @property
    def first(self) -> str:
        """Where the first of them is: the line of a label file, or its name."""
        return first_place(self.pictures)


@dataclass(frozen=True)
class DuplicateCounts:
    """Number of groups of one kind (``byte``, ``pixel``, ``near``), and of pictures in them."""

    kind: str
    groups: int
    pictures: int


@dataclass(frozen=True, kw_only=True)
class ConflictMember:
    """One picture of a group with conflicting labels.

    Attributes:
        age: Whole years, or None.
        gender: 0 male, 1 female, or None.
        race: Index into ``RACES``, or None.
        distance: Bits by which its perceptual hash differs from that of the first member.
        age_range: Range of years, where the label has no single age.
    """

    source: str
    name: str
    pixel_hash: str
    age: int | None
    gender: int | None
    race: int | None
    distance: int
    kept: bool
    age_range: AgeRange | None = None


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A group of duplicates with conflicting labels.

    Attributes:
        kind: ``byte``, ``pixel`` or ``near``.
        split: Split that the group is assigned to.
        age_spread: Highest minus lowest age, years.
    """

    id: str
    kind: str
    split: str
    age_spread: int
    members: tuple[ConflictMember, ...]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The findings of the audit.

    Distributions, heaping and strata describe the pictures that are kept.

    Attributes:
        dropped: Removed pictures by kind of reason, the most frequent first.
        wrong_extensions: Names whose extension does not match the format.
        conflicts: Groups with conflicting labels, the largest age spread first.
        races: Faces of each race, then those of unknown race.
        strata: The splits within each age range and gender, in the order of ``RANGE_NAMES`` and
            ``GENDERS``.
        partial: Faces without a single age or without gender.
    """

    fix: FixConfig
    split: SplitConfig
    sources: tuple[SourceCounts, ...]
    dropped: tuple[DroppedGroup, ...]
    duplicates: tuple[DuplicateCounts, ...]
    wrong_extensions: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    heaping: Heaping
    races: tuple[int, ...]
    strata: tuple[Stratum, ...]
    partial: PartialLabels = field(default_factory=PartialLabels)

    @property
    def ranges(self) -> tuple[tuple[int, ...], ...]:
        """Faces by age range and gender."""
        columns = [
            [stratum.faces for stratum in self.strata if stratum.gender == gender]
            for gender in range(len(GENDERS))
        ]
        return tuple(zip(*columns, strict=True))

    @property
    def genders(self) -> tuple[int, ...]:
        """Faces of each gender."""
        return tuple(map(sum, zip(*self.ranges, self.partial.genders, strict=True)))

    @property
    def splits(self) -> tuple[int, ...]:
        """Faces of each split."""
        by_stratum = (stratum.splits for stratum in self.strata)
        return tuple(map(sum, zip(*by_stratum, self.partial.splits, strict=True)))

    @property
    def kept(self) -> int:
        """Number of pictures that are kept."""
        return sum(self.splits)

    @property
    def left_out(self) -> int:
        """Number of pictures that are not kept."""
        return sum(len(group.pictures) for group in self.dropped)

    def largest_deviation(self) -> tuple[Stratum, str, float] | None:
        """The stratum and split whose count is furthest from its expectation; None: no faces."""
        found = [
            (stratum, split, deviation)
            for stratum in self.strata
            for split, deviation in zip(SPLITS, stratum.deviations, strict=True)
            if deviation is not None
        ]
        return max(found, key=lambda item: abs(item[2]), default=None)

    def to_dict(self) -> dict[str, Any]:
        """The audit as JSON values; ``schema`` changes when its shape does."""
        worst = self.largest_deviation()
        return {
            "schema": SCHEMA,
            "fix": asdict(self.fix),
            "split": asdict(self.split),
            "kept": self.kept,
            "left_out": self.left_out,
            "sources": [asdict(source) for source in self.sources],
            "dropped": {
                _JSON_TITLES.get(group.title, group.title): [
                    {"name": item.name, "reason": item.reason} for item in group.pictures
                ]
                for group in self.dropped
            },
            "copies": {
                counts.kind: {"groups": counts.groups, "pictures": counts.pictures}
                for counts in self.duplicates
            },
            "wrong_extensions": list(self.wrong_extensions),
            "conflicts": [asdict(conflict) for conflict in self.conflicts],
            "heaping": self.heaping.to_dict(),
            "ages": list(self.heaping.counts),
            "ranges": {
                name: dict(zip(GENDERS, counts, strict=True))
                for name, counts in zip(RANGE_NAMES, self.ranges, strict=True)
            },
            "genders": dict(zip(GENDERS, self.genders, strict=True)),
            "races": dict(zip((*RACES, "unknown"), self.races, strict=True)),
            "splits": dict(zip(SPLITS, self.splits, strict=True)),
            "partial_labels": asdict(self.partial),
            "strata": [stratum_dict(stratum) for stratum in self.strata],
            "largest_deviation": None
            if worst is None
            else {**stratum_dict(worst[0]), "split": worst[1], "deviation": round(worst[2], 2)},
        }


def build_audit(
    records: Sequence[Record],
    groups: DuplicateGroups,
    decisions: Sequence[Decision],
    unreadable: Iterable[Dropped],
    fix: FixConfig,
    split: SplitConfig,
) -> Audit:
    """Assemble the audit of the decoded ``records`` and of the ``unreadable`` pictures.

    ``groups`` come from ``find_duplicates``, ``decisions`` (one for each record) from ``resolve``.
    """
    kept = [
        (record.label, decision.split)
        for record, decision in zip(records, decisions, strict=True)
        if decision.kept
    ]
    races = [0] * (len(RACES) + 1)
    for label, _ in kept:
        races[len(RACES) if label.race is None else label.race] += 1
    return Audit(
        fix=fix,
        split=split,
        sources=_sources(records, decisions),
        dropped=_dropped(records, decisions, unreadable),
        duplicates=_duplicates(groups),
        wrong_extensions=tuple(sorted(r.name for r in records if r.wrong_extension)),
        conflicts=_conflicts(records, groups, decisions, fix),
        heaping=find_heaping([label.age for label, _ in kept if label.age is not None]),
        races=tuple(races),
        strata=build_strata(kept, split),
        partial=count_partial_labels(kept),
    )


def _sources(records: Sequence[Record], decisions: Sequence[Decision]) -> tuple[SourceCounts, ...]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record, decision in zip(records, decisions, strict=True):
        counts[record.source][0] += 1
        counts[record.source][1] += decision.kept
    return tuple(SourceCounts(name, *counts[name]) for name in sorted(counts))


def _dropped(
    records: Sequence[Record], decisions: Sequence[Decision], unreadable: Iterable[Dropped]
) -> tuple[DroppedGroup, ...]:
    by_title: dict[str, list[Dropped]] = defaultdict(list)
    for title, items in by_kind(unreadable).items():
        by_title[title].extend(items)
    for record, decision in zip(records, decisions, strict=True):
        if decision.reason is not None:
            item = Dropped(record.source, record.name, decision.reason)
            by_title[_title(decision.reason)].append(item)
    return tuple(
        DroppedGroup(title, tuple(sorted(pictures, key=lambda item: (item.name, item.reason))))
        for title, pictures in sorted(by_title.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _title(reason: str) -> str:
    return next((title for start, title in _TITLES.items() if start.match(reason)), reason)


def _duplicates(groups: DuplicateGroups) -> tuple[DuplicateCounts, ...]:
    sizes = {
        kind: [len(group.members) for group in groups.groups if group.kind == kind]
        for kind in (BYTE, PIXEL, NEAR)
    }
    return tuple(DuplicateCounts(kind, len(found), sum(found)) for kind, found in sizes.items())


def _conflicts(
    records: Sequence[Record],
    groups: DuplicateGroups,
    decisions: Sequence[Decision],
    fix: FixConfig,
) -> tuple[Conflict, ...]:
    conflicts = [
        Conflict(
            id=group.id,
            kind=group.kind,
            split=decisions[group.members[0]].split,
            age_spread=group.age_spread,
            members=tuple(
                _member(records[index], records[group.members[0]], decisions[index])
                for index in group.members
            ),
        )
        for group in groups.repeated()
        if group.conflicts(fix.age_tolerance)
    ]
    return tuple(sorted(conflicts, key=lambda conflict: (-conflict.age_spread, conflict.id)))


def _member(record: Record, first: Record, decision: Decision) -> ConflictMember:
    return ConflictMember(
        source=record.source,
        name=record.name,
        pixel_hash=record.pixel_hash,
        age=record.label.age,
        gender=record.label.gender,
        race=record.label.race,
        distance=distance(first.perceptual, record.perceptual),
        kept=decision.kept,
        age_range=record.label.age_range,
    )
