"""What a benchmark is, and what it returns: measurements with bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.documents import Block
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.faces.contract import utkface_contract


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Inputs that all benchmarks share.

    Attributes:
        source: Archive or folder of aligned chips; None: what needs them is skipped.
        photos: Folder of photographs.
        count: Number of photographs.
        quick: Few rounds and small inputs, to see that everything runs; the numbers mean nothing.
    """

    source: Path | None = None
    photos: Path
    count: int
    quick: bool = False

    def scaled(self, full: int, quick: int) -> int:
        """A number of rounds or inputs."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Measurement:
    """A measured number, the bar that it has to reach, and circumstances in ``detail``."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value reaches the bar; NaN does not."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def __str__(self) -> str:
        bars = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        bars += [f"at most {self.at_most:g}"] if self.at_most is not None else []
        bar = f" [bar: {' and '.join(bars)}]" if bars else ""
        detail = f"; {self.detail}" if self.detail else ""
        verdict = "ok    " if self.passed else "MISSED"
        return f"{verdict} {self.name}: {self.value:.3g} {self.unit}{bar}{detail}"


@dataclass
class BenchResult:
    """Numbers with bars, and parts of documents for ``--write``."""

    measurements: list[Measurement] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


Benchmark = Callable[[BenchOptions], BenchResult]


def made_faces(pixels: NDArray[np.uint8]) -> LabelledChips:
    """Chips (n, size, size, 3) with drawn labels."""
    count, random = len(pixels), np.random.default_rng(0)
    return LabelledChips(
        pixels=pixels,
        rows=np.arange(count),
        sources=("drawn",) * count,
        names=tuple(f"{index}.jpg" for index in range(count)),
        ages=random.integers(0, AGE_COUNT, count),
        genders=random.integers(0, 2, count),
        races=random.integers(0, 5, count),
        pixel_hashes=tuple(f"{index:064x}" for index in range(count)),
        contract=utkface_contract(pixels.shape[1]),
    )


def mapped(pixels: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """The same pixels in a mapped file, as those of a prepared set are."""
    pixels.tofile(path)
    return np.memmap(path, dtype=np.uint8, mode="r", shape=pixels.shape)
