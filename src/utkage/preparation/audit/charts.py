"""Charts of the audit as values: the page draws them with HTML and CSS, without matplotlib.

Importing matplotlib and drawing with it takes about as long as preparing 300 pictures.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

# Largest number of lines of the scale above zero.
_MOST_TICKS = 4
# Numbers of marked ages closer than this, in years, get different heights, so that they do not
# overlap on a narrow screen.
_ROOM = 5


@dataclass(frozen=True, kw_only=True)
class AgeColumn:
    """The faces of one year of age.

    Attributes:
        height: Percent of the chart's height, 0..100.
        marked: Whether the year stands out. Marked columns have another colour, and their age above
            them, so that they can be told apart without colours.
        level: Lines by which the number of a marked age is raised above its column, from 0.
    """

    age: int
    faces: int
    height: float
    marked: bool
    level: int


@dataclass(frozen=True)
class Tick:
    """A line of the scale: a number of faces, and its height in percent of the chart's height."""

    faces: int
    height: float


@dataclass(frozen=True, kw_only=True)
class AgeHistogram:
    """Faces of each year of age from 0.

    Attributes:
        summary: What the chart shows, for readers who cannot see it.
        levels: Lines of numbers above the highest column, at least 1.
        decades: The same numbers in rows of ten years: the name of each row, such as ``20-29``, and
            up to ten numbers.
    """

    columns: tuple[AgeColumn, ...]
    ticks: tuple[Tick, ...]
    summary: str
    levels: int
    decades: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Bar:
    """A horizontal bar.

    Attributes:
        counts: Faces in each part of the bar.
        widths: Width of each part, percent of the longest bar, 0..100.
    """

    name: str
    counts: tuple[int, ...]
    widths: tuple[float, ...]

    @property
    def total(self) -> int:
        """Faces in the whole bar."""
        return sum(self.counts)


def age_histogram(counts: Sequence[int], marked: Collection[int]) -> AgeHistogram:
    """Chart of the faces of each year of age from 0; the ``marked`` years stand out."""
    highest = max(1, *counts)
    levels = _levels(sorted(marked))
    columns = tuple(
        AgeColumn(
            age=age,
            faces=faces,
            height=_percent(faces, highest),
            marked=age in levels,
            level=levels.get(age, 0),
        )
        for age, faces in enumerate(counts)
    )
    step = _tick_step(highest)
    ticks = tuple(Tick(faces, _percent(faces, highest)) for faces in range(0, highest + 1, step))
    return AgeHistogram(
        columns=columns,
        ticks=ticks,
        summary=_summary(counts),
        levels=1 + max(levels.values(), default=0),
        decades=tuple(
            (f"{first}-{min(first + 9, len(counts) - 1)}", tuple(counts[first : first + 10]))
            for first in range(0, len(counts), 10)
        ),
    )


def stacked_bars(names: Sequence[str], parts: Sequence[Sequence[int]]) -> tuple[Bar, ...]:
    """One bar per name; each of the ``parts`` has one count per name."""
    rows = list(zip(*parts, strict=True))
    longest = max(1, *map(sum, rows))
    return tuple(
        Bar(name, tuple(counts), tuple(_percent(count, longest) for count in counts))
        for name, counts in zip(names, rows, strict=True)
    )


def _percent(count: int, whole: int) -> float:
    return round(100 * count / whole, 2)


def _levels(ages: Sequence[int]) -> dict[int, int]:
    """The level of the number of each marked age, so that no two numbers overlap."""
    levels: dict[int, int] = {}
    last_of_level: list[int] = []
    for age in ages:
        level = next(
            (level for level, last in enumerate(last_of_level) if age - last >= _ROOM),
            len(last_of_level),
        )
        last_of_level[level : level + 1] = [age]
        levels[age] = level
    return levels


def _tick_step(highest: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that gives at most ``_MOST_TICKS`` lines."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if highest // (digit * power) <= _MOST_TICKS:
                return digit * power
        power *= 10


def _summary(counts: Sequence[int]) -> str:
    if not any(counts):
        return "Faces of each year of age: none."
    used = [age for age, faces in enumerate(counts) if faces]
    most = max(range(len(counts)), key=counts.__getitem__)
    return (
        f"Faces of each year of age, from {used[0]} to {used[-1]}. "
        f"The most frequent age is {most}, with {counts[most]:,}."
    )
