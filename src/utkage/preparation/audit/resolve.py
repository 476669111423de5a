"""Which pictures stay in the set, and the reason why each other one is removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from utkage.core.errors import ConfigError
from utkage.core.reporter import Progress
from utkage.data.records import Record
from utkage.preparation.audit.duplicates import (
    DuplicateGroup,
    DuplicateGroups,
    find_duplicates,
    record_group,
)
from utkage.preparation.audit.near_pairs import TooManyPairsError
from utkage.preparation.audit.perceptual import HASH_BITS, distance

KEEP_ONE = "keep-one"
DROP_CONFLICTS = "drop-conflicts"
NONE = "none"
MODES = (KEEP_ONE, DROP_CONFLICTS, NONE)

# Largest distance at which pairs were still judged duplicates ("Near-duplicates", docs/data.md).
MAX_DISTANCE = 44
AGE_TOLERANCE = 3
# In UTKFace, 5 % of the pictures are in groups of near-duplicates.
MAX_NEAR_SHARE = 0.25

CONSTANT_REASON = "all pixels have one colour"
LISTED_REASON = "in the list of pictures to drop"
COPY_OF_LISTED_REASON = "same photograph and label as one in the list of pictures to drop"
# Beginnings of the reasons; the audit sorts the reasons by them.
DUPLICATE_OF = "duplicate of "
NEAR_DUPLICATE_OF = "near-duplicate of "
CONFLICTING = "conflicting labels of "


@dataclass(frozen=True)
class FixConfig:
    """How duplicates are found and resolved.

    Attributes:
        mode: ``keep-one`` keeps one of the duplicates whose labels agree. If they conflict, none
            is used for validation and test, where the true label is unknown; all are used for
            training, each as one noisy label among many. ``drop-conflicts`` removes conflicting
            duplicates from training, too. ``none`` removes nothing; duplicates only share their
            split.
        max_distance: Largest distance between the perceptual hashes of near-duplicates, 0..256
            bits; -1 finds pictures with identical pixels only.
        age_tolerance: Largest difference in age between labels that agree, years.
    """

    mode: str = KEEP_ONE
    max_distance: int = MAX_DISTANCE
    age_tolerance: int = AGE_TOLERANCE

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConfigError(f"fix mode {self.mode!r}: choose one of {', '.join(MODES)}")
        if not -1 <= self.max_distance <= HASH_BITS:
            raise ConfigError(f"hash distance {self.max_distance}: use -1 to {HASH_BITS} bits")
        if self.age_tolerance < 0:
            raise ConfigError(f"age tolerance {self.age_tolerance}: use 0 or more years")


@dataclass(frozen=True, slots=True)
class Decision:
    """The split of a picture's duplicates, and why the picture is removed; None if it stays."""

    split: str
    reason: str | None = None

    @property
    def kept(self) -> bool:
        """Whether the picture stays."""
        return self.reason is None


def find_informative_duplicates(
    records: Sequence[Record],
    fix: FixConfig,
    *,
    workers: int = 1,
    task: Progress | None = None,
) -> tuple[DuplicateGroups, FixConfig]:
    """Find duplicates; fall back to identical pixels where near-duplicates are meaningless.

    The perceptual hash was calibrated on photographs of many people. In a set of similar pictures
    (drawn faces, video frames) it would merge nearly all of them into one group.

    Args:
        records: The pictures.
        fix: How duplicates are found.
        workers: Number of threads that compare hashes.
        task: Progress of the comparison, as in ``near_pairs``.

    Returns:
        The groups, and ``fix`` as it was used: with ``max_distance`` -1 after a fallback.
    """
    try:
        groups = find_duplicates(records, fix.max_distance, workers=workers, task=task)
        if groups.near_duplicate_share() <= MAX_NEAR_SHARE:
            return groups, fix
    except TooManyPairsError:
        pass
    exact = replace(fix, max_distance=-1)
    return find_duplicates(records, exact.max_distance), exact


def resolve(
    records: Sequence[Record],
    groups: DuplicateGroups,
    split_of: Callable[[str], str],
    config: FixConfig,
    excluded: Mapping[int, str] | None = None,
    listed: Collection[int] = (),
) -> list[Decision]:
    """Decide about every picture, in the order of ``records``.

    Args:
        records: The pictures that ``groups`` was made from.
        groups: Their duplicates, from ``find_duplicates``.
        split_of: From the id of a component to ``train``, ``val`` or ``test``.
        config: How duplicates are resolved.
        excluded: Reasons by index of pictures that are removed anyway. Such a picture is never
            the one that is kept, but its label can still conflict with its duplicates.
        listed: Indices of pictures that a person drops, because their labels are wrong. Duplicates
            with the same label are removed as well, or else one would take the place of the
            listed one; the labels of others no longer conflict with it.
    """
    excluded, listed = excluded or {}, frozenset(listed)
    decisions: dict[int, Decision] = {}
    for group in groups.groups:
        split = split_of(group.component)
        wrong = _listed(records, group, listed, config)
        others = [index for index in group.members if index not in wrong]
        reasons: dict[int, str | None] = {
            **wrong,
            **{index: excluded[index] for index in others if index in excluded},
        }
        candidates = [index for index in others if index not in excluded]
        if candidates:
            left = record_group(records, others, group.component) if wrong else group
            reasons |= _reasons(records, left, candidates, split, config)
        decisions |= {index: Decision(split, reason) for index, reason in reasons.items()}
    return [decisions[index] for index in range(len(records))]


def _listed(
    records: Sequence[Record], group: DuplicateGroup, listed: frozenset[int], config: FixConfig
) -> dict[int, str]:
    """Reasons of the listed pictures of a group, and of duplicates that share a label of theirs."""
    own = [index for index in group.members if index in listed]
    reasons = dict.fromkeys(own, LISTED_REASON)
    if config.mode == NONE:
        return reasons
    return reasons | {
        index: COPY_OF_LISTED_REASON
        for index in group.members
        if index not in listed
        and any(
            not record_group(records, [index, other], group.component).conflicts(
                config.age_tolerance
            )
            for other in own
        )
    }


def _reasons(
    records: Sequence[Record],
    group: DuplicateGroup,
    candidates: list[int],
    split: str,
    config: FixConfig,
) -> dict[int, str | None]:
    keep_all: dict[int, str | None] = dict.fromkeys(candidates)
    if config.mode == NONE:
        return keep_all
    # A constant picture is grouped with identical ones only, so one decision applies to all.
    if records[group.members[0]].constant:
        return dict.fromkeys(candidates, CONSTANT_REASON)
    if group.conflicts(config.age_tolerance):
        if config.mode == KEEP_ONE and split == "train":
            return keep_all
        return dict.fromkeys(candidates, _conflict_reason(group))
    best = min(candidates, key=lambda index: _preference(records[index]))
    return {
        index: None if index == best else _duplicate_reason(records[best], records[index])
        for index in candidates
    }


def _preference(record: Record) -> tuple[int, int, str, str, str]:
    """Sort key: the fullest label and the largest picture first, then any fixed order."""
    label = record.label
    unknown = (label.age is None) + (label.years is None) + (label.gender is None)
    return (unknown, -record.width * record.height, record.pixel_hash, record.source, record.name)


def _duplicate_reason(kept: Record, other: Record) -> str:
    if kept.pixel_hash == other.pixel_hash:
        return f"{DUPLICATE_OF}{kept.name}"
    bits = distance(kept.perceptual, other.perceptual)
    return f"{NEAR_DUPLICATE_OF}{kept.name} (distance {bits})"


def _conflict_reason(group: DuplicateGroup) -> str:
    differences = [f"ages {group.age_spread} years apart"] if group.age_spread else []
    if len(group.genders) > 1:
        differences.append("both genders")
    kind = "near-duplicates" if group.kind == "near" else "duplicates"
    return f"{CONFLICTING}{len(group.members)} {kind}: {' and '.join(differences)}"
