"""The split of each picture: published with the data, given by a source, or drawn from a hash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.data.csv_file import read_csv
from utkage.data.label_files.row import shown
from utkage.data.labels import AgeRange
from utkage.data.records import Record
from utkage.data.split import SPLITS, SplitConfig, assign_split, merge_splits
from utkage.preparation.audit.duplicates import DuplicateGroups


def read_split_file(path: Path) -> dict[str, str]:
    """The split of each name in a CSV with the columns ``name`` and ``split`` (train, val, test).

    Raises:
        UsageError: there is no such file.
        DataError: not CSV in UTF-8, a column is missing, a split unknown, or a name listed in two
            splits.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such split file")
    splits: dict[str, str] = {}
    for number, cells in read_csv(path, ("name", "split")):
        name, split = cells["name"], cells["split"]
        where = f"{path}: line {number}"
        if split not in SPLITS:
            raise DataError(f"{where}: no split named {shown(split)}; use {', '.join(SPLITS)}")
        if splits.setdefault(name, split) != split:
            raise DataError(f"{where}: {name} is in two splits")
    return splits


def parse_ages(text: str) -> tuple[int, int]:
    """Read an age filter such as ``21-60``, both ends included.

    Raises:
        ConfigError: the text is not two whole numbers in ascending order.
    """
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise ConfigError(f"`ages` {text}: give the first and last age, such as 21-60")
    return int(first), int(last)


def excluded_pictures(
    records: Sequence[Record],
    published: Mapping[str, str] | None,
    ages: tuple[int, int] | None,
) -> dict[int, str]:
    """Reasons, by index, of the pictures that a published split or a filter excludes."""
    reasons: dict[int, str] = {}
    for index, record in enumerate(records):
        if published is not None and record.name not in published:
            reasons[index] = "not in the split file"
        elif ages is not None and not _is_within(record.label.years, ages):
            reasons[index] = f"age outside {ages[0]}-{ages[1]}"
    return reasons


def _is_within(years: AgeRange | None, ages: tuple[int, int]) -> bool:
    return years is not None and ages[0] <= years.first <= years.last <= ages[1]


def split_components(
    records: Sequence[Record],
    groups: DuplicateGroups,
    config: SplitConfig,
    source_splits: Sequence[str | None],
    published: Mapping[str, str] | None,
) -> dict[str, str]:
    """Choose one split for each component of duplicates, by component id.

    Args:
        records: All decoded pictures.
        groups: Their duplicates.
        config: Seed and fractions for pictures whose split is not given.
        source_splits: Split that the source gives each picture, or None, (n,).
        published: Split by file name, which replaces those of the sources.
    """
    listed: dict[str, list[str]] = defaultdict(list)
    unlisted: dict[str, list[str]] = defaultdict(list)
    for index, record in enumerate(records):
        given = source_splits[index] if published is None else published.get(record.name)
        split = given or assign_split(record.pixel_hash, config)
        # Pictures that a published split does not list must not move the ones that it lists.
        members = unlisted if published is not None and given is None else listed
        members[groups.group_of(index).component].append(split)
    return {name: merge_splits(splits) for name, splits in {**unlisted, **listed}.items()}
