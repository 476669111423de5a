"""What a benchmark is, and what it returns: measurements with bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.documents import Block


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


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A measured number, and the bar that it has to reach.

    Attributes:
        name: What was measured.
        value: The number.
        unit: Its unit, such as "s" or "of the bare session".
        at_least: Lowest value that passes, or None.
        at_most: Highest value that passes, or None.
        detail: Circumstances and further numbers.
    """

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
    """What a benchmark found.

    Attributes:
        measurements: The numbers, with bars.
        blocks: Parts of documents by document and name, for ``--write``.
    """

    measurements: list[Measurement] = field(default_factory=list)
    blocks: dict[str, dict[str, Block]] = field(default_factory=dict)


Benchmark = Callable[[BenchOptions], BenchResult]
