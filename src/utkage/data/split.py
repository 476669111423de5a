"""A split that depends only on a seed and on each picture's content.

So identical pictures are always in the same split, the order of files does not matter, and adding
pictures never moves existing ones. Every stratum (age range, gender, race, source) gets the same
fractions up to sampling noise; exact quotas would move pictures whenever others are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from utkage.core.errors import ConfigError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class SplitConfig:
    """Seed and fractions of a split.

    Attributes:
        seed: Each seed gives an unrelated split.
        val: Fraction of pictures for validation, 0..1.
        test: Fraction of pictures for the test split, 0..1; the rest is for training.
    """

    seed: int = 0
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        # Also refuses NaN.
        if not (self.val >= 0 and self.test >= 0 and self.val + self.test < 1):
            raise ConfigError(
                f"fractions val {self.val} and test {self.test} must be at least 0 and leave "
                "something for training"
            )


def assign_split(pixel_hash: str, config: SplitConfig) -> str:
    """``"train"``, ``"val"`` or ``"test"`` for the picture with this pixel hash (hex)."""
    digest = hashlib.sha256(f"{config.seed}:{pixel_hash}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < config.test:
        return "test"
    if place < config.test + config.val:
        return "val"
    return "train"


def merge_splits(members: Iterable[str]) -> str:
    """The split of a component of duplicates whose members were assigned different splits.

    It is training if any member is in training, else validation: a training picture never becomes
    a test picture because a duplicate of it was added.
    """
    found = set(members)
    return next(split for split in SPLITS if split in found)


def split_hash(members: Iterable[tuple[str, str]]) -> str:
    """A hash (16 hex digits) of the (pixel hash, split) pairs of a split, in any order."""
    digest = hashlib.sha256()
    for pixel, split in sorted(members):
        digest.update(f"{pixel} {split}\n".encode())
    return digest.hexdigest()[:16]
