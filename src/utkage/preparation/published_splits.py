"""Splits that somebody else has published: a CSV of names, and ranges of ages."""

from __future__ import annotations

import csv
from pathlib import Path

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.data.split import SPLITS


def read_split_file(path: Path) -> dict[str, str]:
    """Read a CSV with the columns ``name`` and ``split`` (train, val or test).

    Returns:
        Split by file name.

    Raises:
        UsageError: there is no such file.
        DataError: a column is missing, a split unknown, or a name listed in two splits.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such split file")
    splits: dict[str, str] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not {"name", "split"} <= set(reader.fieldnames or ()):
            raise DataError(f"{path}: a split file needs the columns name and split")
        for line in reader:
            name, split = line["name"], line["split"]
            if split not in SPLITS:
                raise DataError(
                    f"{path}: line {reader.line_num}: no split is called {split!r}; "
                    f"use {', '.join(SPLITS)}"
                )
            if splits.setdefault(name, split) != split:
                raise DataError(f"{path}: line {reader.line_num}: {name} is in two splits")
    return splits


def parse_ages(text: str) -> tuple[int, int]:
    """Read an age filter such as ``21-60`` (both ends belong to it).

    Raises:
        ConfigError: not two whole numbers in order.
    """
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise ConfigError(f"`ages` {text}: give the first and last age, such as 21-60")
    return int(first), int(last)
