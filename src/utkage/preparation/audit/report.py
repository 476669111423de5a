"""Everything the audit found, in one frozen object with a JSON form."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from utkage.data.labels import GENDERS, RACES, RANGE_NAMES, range_index
from utkage.data.records import Dropped, Record
from utkage.data.split import SPLITS, SplitConfig
from utkage.preparation.audit.duplicates import BYTE, NEAR, PIXEL, DuplicateGroups
from utkage.preparation.audit.heaping import Heaping, find_heaping
from utkage.preparation.audit.perceptual import distance
from utkage.preparation.audit.resolve import Decision, FixConfig

SCHEMA = 1

# What decisions are listed under; unreadable pictures are listed under their own reason.
COPY_TITLE = "copy of another picture"
NEAR_TITLE = "near-copy of another picture"
CONFLICT_TITLE = "copies with contradicting labels"


@dataclass(frozen=True)
class SourceCounts:
    """Pictures of one source: those that could be decoded, and those of them that stayed."""

    name: str
    readable: int
    kept: int


@dataclass(frozen=True)
class DroppedGroup:
    """Pictures that were left out for one kind of reason."""

    title: str
    pictures: tuple[Dropped, ...]


@dataclass(frozen=True)
class DuplicateCounts:
    """How many groups of one kind (``byte``, ``pixel``, ``near``), and pictures in them."""

    kind: str
    groups: int
    pictures: int


@dataclass(frozen=True)
class ConflictMember:
    """One picture of a contradicting group.

    Attributes:
        source: Name of its source.
        name: File name.
        pixel_hash: SHA-256 (hex) of its pixels.
        age: Whole years.
        gender: 0 male, 1 female.
        race: Index into ``RACES``, or None.
        distance: Bits between its hash and that of the first member.
        kept: Whether it stays.
    """

    source: str
    name: str
    pixel_hash: str
    age: int
    gender: int
    race: int | None
    distance: int
    kept: bool


@dataclass(frozen=True)
class Conflict:
    """Copies whose labels contradict each other.

    Attributes:
        id: Of the group.
        kind: ``byte``, ``pixel`` or ``near``.
        split: Where the group belongs.
        age_spread: Years between its lowest and highest age.
        members: At least two.
    """

    id: str
    kind: str
    split: str
    age_spread: int
    members: tuple[ConflictMember, ...]


@dataclass(frozen=True)
class Stratum:
    """The kept faces of one age range and gender.

    Attributes:
        age_range: Name of the range.
        gender: 0 male, 1 female.
        faces: Number of them.
        splits: Faces in each of ``SPLITS``.
        deviations: For each split, how many standard deviations of a binomial count it is over
            (or under) its promised share; None where the share is 0 or 1 or there are no faces.
    """

    age_range: str
    gender: int
    faces: int
    splits: tuple[int, ...]
    deviations: tuple[float | None, ...]


@dataclass(frozen=True)
class Audit:
    """What the audit found.

    Distributions, heaping and strata are of the pictures that were kept.

    Attributes:
        fix: What was repaired, and with what tolerances.
        split: The promised division.
        sources: Counts, by source.
        dropped: Everything left out, under a title for each kind of reason, most first.
        duplicates: Copies found, by kind.
        wrong_extensions: Names whose ending is not that of the content.
        conflicts: Contradicting copies, largest age spread first.
        heaping: Of the ages.
        ranges: Faces by age range and gender, in the order of ``RANGE_NAMES`` and ``GENDERS``.
        genders: Faces of each gender.
        races: Faces of each race, and at the end those without.
        splits: Faces of each split.
        strata: The splits within each age range and gender.
    """

    fix: FixConfig
    split: SplitConfig
    sources: tuple[SourceCounts, ...]
    dropped: tuple[DroppedGroup, ...]
    duplicates: tuple[DuplicateCounts, ...]
    wrong_extensions: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    heaping: Heaping
    ranges: tuple[tuple[int, ...], ...]
    genders: tuple[int, ...]
    races: tuple[int, ...]
    splits: tuple[int, ...]
    strata: tuple[Stratum, ...]

    @property
    def kept(self) -> int:
        """Number of pictures that stay."""
        return sum(self.splits)

    @property
    def left_out(self) -> int:
        """Number of pictures that do not."""
        return sum(len(under.pictures) for under in self.dropped)

    def largest_deviation(self) -> tuple[Stratum, str, float] | None:
        """The stratum, split and deviation furthest from what was promised; None: no faces."""
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
                under.title: [{"name": item.name, "reason": item.reason} for item in under.pictures]
                for under in self.dropped
            },
            "copies": {
                copies.kind: {"groups": copies.groups, "pictures": copies.pictures}
                for copies in self.duplicates
            },
            "wrong_extensions": list(self.wrong_extensions),
            "conflicts": [_conflict_dict(conflict) for conflict in self.conflicts],
            "heaping": _heaping_dict(self.heaping),
            "ages": list(self.heaping.counts),
            "ranges": {
                name: dict(zip(GENDERS, counts, strict=True))
                for name, counts in zip(RANGE_NAMES, self.ranges, strict=True)
            },
            "genders": dict(zip(GENDERS, self.genders, strict=True)),
            "races": dict(zip((*RACES, "unknown"), self.races, strict=True)),
            "splits": dict(zip(SPLITS, self.splits, strict=True)),
            "strata": [_stratum_dict(stratum) for stratum in self.strata],
            "largest_deviation": None
            if worst is None
            else {**_stratum_dict(worst[0]), "split": worst[1], "deviation": round(worst[2], 2)},
        }


def build_audit(
    records: Sequence[Record],
    groups: DuplicateGroups,
    decisions: Sequence[Decision],
    unreadable: Iterable[Dropped],
    fix: FixConfig,
    split: SplitConfig,
) -> Audit:
    """Assemble the audit.

    Args:
        records: The pictures that could be decoded.
        groups: Their copies, from ``find_duplicates``.
        decisions: What becomes of each, from ``resolve``.
        unreadable: Pictures without a valid name or content, with the reason.
        fix: What ``resolve`` was told.
        split: What the splits were drawn with.
    """
    kept = [
        (record, decision)
        for record, decision in zip(records, decisions, strict=True)
        if decision.kept
    ]
    cells: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * len(SPLITS))
    races = [0] * (len(RACES) + 1)
    for record, decision in kept:
        label = record.label
        cells[range_index(label.age), label.gender][SPLITS.index(decision.split)] += 1
        races[len(RACES) if label.race is None else label.race] += 1
    strata = tuple(
        _stratum(name, gender, cells[position, gender], split)
        for position, name in enumerate(RANGE_NAMES)
        for gender in range(len(GENDERS))
    )
    ranges = tuple(
        tuple(sum(cells[position, gender]) for gender in range(len(GENDERS)))
        for position in range(len(RANGE_NAMES))
    )
    return Audit(
        fix=fix,
        split=split,
        sources=_sources(records, decisions),
        dropped=_dropped(records, decisions, unreadable),
        duplicates=_duplicates(groups),
        wrong_extensions=tuple(sorted(r.name for r in records if r.wrong_extension)),
        conflicts=_conflicts(records, groups, decisions, fix),
        heaping=find_heaping([record.label.age for record, _ in kept]),
        ranges=ranges,
        genders=tuple(sum(row[gender] for row in ranges) for gender in range(len(GENDERS))),
        races=tuple(races),
        splits=tuple(sum(stratum.splits[k] for stratum in strata) for k in range(len(SPLITS))),
        strata=strata,
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
    for item in unreadable:
        by_title[item.reason].append(item)
    for record, decision in zip(records, decisions, strict=True):
        if decision.reason is not None:
            title = _title(decision.reason)
            by_title[title].append(Dropped(record.source, record.name, decision.reason))
    return tuple(
        DroppedGroup(title, tuple(sorted(pictures, key=lambda item: (item.name, item.reason))))
        for title, pictures in sorted(by_title.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _title(reason: str) -> str:
    """What kind of reason ``resolve`` or a filter gave; others stand for themselves."""
    if reason.startswith("copy of "):
        return COPY_TITLE
    if reason.startswith("near-copy of "):
        return NEAR_TITLE
    return CONFLICT_TITLE if " of this picture carry " in reason else reason


def _duplicates(groups: DuplicateGroups) -> tuple[DuplicateCounts, ...]:
    return tuple(
        DuplicateCounts(
            kind,
            sum(group.kind == kind for group in groups.groups),
            sum(len(group.members) for group in groups.groups if group.kind == kind),
        )
        for kind in (BYTE, PIXEL, NEAR)
    )


def _conflicts(
    records: Sequence[Record],
    groups: DuplicateGroups,
    decisions: Sequence[Decision],
    fix: FixConfig,
) -> tuple[Conflict, ...]:
    found = []
    for group in groups.repeated():
        if not group.conflicts(fix.age_tolerance):
            continue
        first = records[group.members[0]]
        members = tuple(
            ConflictMember(
                source=record.source,
                name=record.name,
                pixel_hash=record.pixel_hash,
                age=record.label.age,
                gender=record.label.gender,
                race=record.label.race,
                distance=distance(first.perceptual, record.perceptual),
                kept=decisions[index].kept,
            )
            for index in group.members
            for record in (records[index],)
        )
        split = decisions[group.members[0]].split
        found.append(Conflict(group.id, group.kind, split, group.age_spread, members))
    return tuple(sorted(found, key=lambda conflict: (-conflict.age_spread, conflict.id)))


def _stratum(name: str, gender: int, counts: Sequence[int], split: SplitConfig) -> Stratum:
    promised: Mapping[str, float] = {
        "train": 1 - split.val - split.test,
        "val": split.val,
        "test": split.test,
    }
    faces = sum(counts)
    return Stratum(
        age_range=name,
        gender=gender,
        faces=faces,
        splits=tuple(counts),
        deviations=tuple(
            _deviation(count, faces, promised[name])
            for name, count in zip(SPLITS, counts, strict=True)
        ),
    )


def _deviation(count: int, faces: int, share: float) -> float | None:
    variance = faces * share * (1 - share)
    return (count - faces * share) / math.sqrt(variance) if variance > 0 else None


def _conflict_dict(conflict: Conflict) -> dict[str, Any]:
    return {
        "id": conflict.id,
        "kind": conflict.kind,
        "split": conflict.split,
        "age_spread": conflict.age_spread,
        "members": [asdict(member) for member in conflict.members],
    }


def _heaping_dict(heaping: Heaping) -> dict[str, Any]:
    return {
        "adults": heaping.adults,
        "on_fives": heaping.on_fives,
        "share": None if heaping.share is None else round(heaping.share, 4),
        "index": None if heaping.index is None else round(heaping.index, 1),
        "spikes": [
            {
                "age": spike.age,
                "faces": spike.faces,
                "neighbours": round(spike.neighbours, 2),
                "ratio": None if spike.ratio is None else round(spike.ratio, 2),
            }
            for spike in heaping.spikes
        ],
    }


def _stratum_dict(stratum: Stratum) -> dict[str, Any]:
    return {
        "age_range": stratum.age_range,
        "gender": GENDERS[stratum.gender],
        "faces": stratum.faces,
        "splits": dict(zip(SPLITS, stratum.splits, strict=True)),
        "deviations": {
            split: None if deviation is None else round(deviation, 2)
            for split, deviation in zip(SPLITS, stratum.deviations, strict=True)
        },
    }
