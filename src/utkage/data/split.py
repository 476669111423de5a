"""A split that depends only on a seed and on each picture's content.

A picture's place is a hash of (seed, pixel hash), read as a number in [0, 1) and cut at the
fractions. So identical pictures always fall on the same side, the order of files does not
matter, and adding pictures never moves the ones that were there. Every stratum (age range,
gender, race, source) is cut at the same places, so it gets its fractions up to sampling noise;
an exact quota per stratum would move pictures whenever others are added. Near-copies are kept
together by ``merge_splits``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from utkage.core.errors import ConfigError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class SplitConfig:
    """How pictures are divided.

    Attributes:
        seed: Another seed gives another, unrelated split.
        val: Fraction for validation, 0..1.
        test: Fraction for the test split, 0..1; the rest is for training.
    """

    seed: int = 0
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        # Written so that NaN fails, too.
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
    """Where a component of copies goes whose members would be divided.

    It goes to training if any member does, else to validation: what is measured then has no copy
    elsewhere, and a picture that was once learned from never becomes a test picture because a
    copy of it was added.
    """
    found = set(members)
    return next(split for split in SPLITS if split in found)


def split_hash(members: Iterable[tuple[str, str]]) -> str:
    """One hash (hex, 16 digits) for a whole split, from its (pixel hash, split) pairs.

    The same pictures divided in the same way give the same hash, in whatever order they come.
    """
    digest = hashlib.sha256()
    for pixel, split in sorted(members):
        digest.update(f"{pixel} {split}\n".encode())
    return digest.hexdigest()[:16]
