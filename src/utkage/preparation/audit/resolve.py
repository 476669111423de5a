"""What becomes of copies: which pictures stay, in which split, and why the others go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from utkage.core.errors import ConfigError
from utkage.data.records import Record
from utkage.preparation.audit.duplicates import DuplicateGroup, DuplicateGroups
from utkage.preparation.audit.perceptual import HASH_BITS, distance

KEEP_ONE = "keep-one"
DROP_CONFLICTS = "drop-conflicts"
NONE = "none"
MODES = (KEEP_ONE, DROP_CONFLICTS, NONE)

# The largest distance at which hand-judged pairs were still copies ("Near-copies", docs/data.md).
MAX_DISTANCE = 44
AGE_TOLERANCE = 3

CONSTANT_REASON = "all pixels have one colour"


@dataclass(frozen=True)
class FixConfig:
    """What is repaired, and how far copies may differ.

    Attributes:
        mode: ``keep-one``: of copies that agree one stays; copies that contradict each other
            leave validation and test, where nobody could say what is right, and stay whole in
            training, where each is one noisy label among many. ``drop-conflicts``: they leave
            training as well. ``none``: everything stays, and copies only share their split.
        max_distance: Bits in which the perceptual hashes of near-copies may differ, 0..256;
            -1 compares exact pixels only.
        age_tolerance: Years by which copies may disagree without contradicting each other.
    """

    mode: str = KEEP_ONE
    max_distance: int = MAX_DISTANCE
    age_tolerance: int = AGE_TOLERANCE

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConfigError(f"no repair is called {self.mode!r}; use {', '.join(MODES)}")
        if not -1 <= self.max_distance <= HASH_BITS:
            raise ConfigError(f"distance {self.max_distance} is outside -1..{HASH_BITS} bits")
        if self.age_tolerance < 0:
            raise ConfigError(f"age tolerance {self.age_tolerance} is negative")


@dataclass(frozen=True)
class Decision:
    """What becomes of one picture.

    Attributes:
        kept: Whether it stays.
        split: The split of its component, also where the picture goes.
        reason: Why it goes; None where it stays.
    """

    kept: bool
    split: str
    reason: str | None = None


def resolve(
    records: Sequence[Record],
    groups: DuplicateGroups,
    split_of: Callable[[str], str],
    config: FixConfig,
    outside: Mapping[int, str] | None = None,
) -> list[Decision]:
    """Decide over every record, in the order of ``records``.

    Args:
        records: The pictures that ``groups`` was made of.
        groups: From ``find_duplicates``.
        split_of: From a component's id (a pixel hash) to ``train``, ``val`` or ``test``.
        config: What to do.
        outside: Pictures that are not part of what was asked for, by index, and why. They never
            stand in for a copy; what they say against a copy's label still counts.
    """
    outside = outside or {}
    decisions: dict[int, Decision] = {}
    for group in groups.groups:
        split = split_of(group.component)
        inside = [index for index in group.members if index not in outside]
        reasons = _reasons(records, group, inside, split, config)
        for index in group.members:
            reason = outside[index] if index in outside else reasons[index]
            decisions[index] = Decision(reason is None, split, reason)
    return [decisions[index] for index in range(len(records))]


def _reasons(
    records: Sequence[Record],
    group: DuplicateGroup,
    inside: list[int],
    split: str,
    config: FixConfig,
) -> dict[int, str | None]:
    stay: dict[int, str | None] = dict.fromkeys(inside)
    if config.mode == NONE or not inside:
        return stay
    # Only identical pictures are grouped with a constant one, so either all are or none is.
    if records[group.members[0]].constant:
        return dict.fromkeys(inside, CONSTANT_REASON)
    if group.conflicts(config.age_tolerance):
        if config.mode == KEEP_ONE and split == "train":
            return stay
        return dict.fromkeys(inside, _contradiction(group))
    best = min(inside, key=lambda index: _preference(records[index]))
    return {
        index: None if index == best else _copy_of(records[best], records[index])
        for index in inside
    }


def _preference(record: Record) -> tuple[int, str, str, str]:
    return (-record.width * record.height, record.pixel_hash, record.source, record.name)


def _copy_of(kept: Record, other: Record) -> str:
    if kept.pixel_hash == other.pixel_hash:
        return f"copy of {kept.name}"
    bits = distance(kept.perceptual, other.perceptual)
    return f"near-copy of {kept.name} (distance {bits})"


def _contradiction(group: DuplicateGroup) -> str:
    differences = [f"ages {group.age_spread} years apart"] if group.age_spread else []
    if len(group.genders) > 1:
        differences.append("both genders")
    what = "copies" if group.kind != "near" else "near-copies"
    return f"{len(group.members)} {what} of this picture carry {' and '.join(differences)}"
