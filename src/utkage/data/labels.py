"""The label grammar of UTKFace file names, and the nine age ranges.

A name is ``<age>_<gender>_<race>_<date>.jpg``, followed by ``.chip.jpg`` for aligned chips: age in
years 0..116; gender 0 male or 1 female; race 0 White, 1 Black, 2 Asian, 3 Indian or 4 Others; date
the collector's timestamp (digits). Source: the description of the data set. Other names are refused
with the reason. Nothing is guessed, since public repairs of the malformed names contradict each
other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from utkage.core.errors import LabelError

MIN_AGE = 0
MAX_AGE = 116
AGE_COUNT = MAX_AGE - MIN_AGE + 1

GENDERS = ("male", "female")
RACES = ("White", "Black", "Asian", "Indian", "Others")

_STEM = re.compile(r"(?P<age>\d{1,3})_(?P<gender>\d)_(?P<race>\d)_(?P<date>\d{1,20})", re.ASCII)
# At least two digits: a single digit is a race without a date.
_RACELESS = re.compile(r"(?P<age>\d{1,3})_(?P<gender>\d)_(?P<date>\d{2,20})", re.ASCII)
_SUFFIX = re.compile(r"\.(jpg|jpeg|png)(\.chip\.jpg)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AgeRange:
    """A range of whole years, both ends included; the last range ends at ``MAX_AGE``."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """A text such as ``26-35``, ``76+`` for the last range, or ``26`` for a single year."""
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}+" if self.last == MAX_AGE else f"{self.first}-{self.last}"


AGE_RANGES: tuple[AgeRange, ...] = (
    AgeRange(0, 4),
    AgeRange(5, 9),
    AgeRange(10, 15),
    AgeRange(16, 25),
    AgeRange(26, 35),
    AgeRange(36, 45),
    AgeRange(46, 60),
    AgeRange(61, 75),
    AgeRange(76, MAX_AGE),
)
RANGE_NAMES: tuple[str, ...] = tuple(age_range.name for age_range in AGE_RANGES)


@dataclass(frozen=True, slots=True)
class FaceLabel:
    """The label of a face in a data set.

    A label needs an age, a range of ages or a gender. Data sets that have only one of age and
    gender leave the other None.

    Attributes:
        age: Whole years, 0..116; None if unknown or known only as a range.
        gender: 0 male, 1 female; None if unknown.
        race: Index into ``RACES``, or None if unknown.
        age_range: Range of at least two years if the age is known only as a range, else None.
    """

    age: int | None
    gender: int | None
    race: int | None = None
    age_range: AgeRange | None = None

    def __post_init__(self) -> None:
        if self.years is None and self.gender is None:
            raise LabelError("a label needs an age or a gender")
        if self.age is not None and self.age_range is not None:
            raise LabelError(
                f"age {self.age} and the range {self.age_range.name} exclude each other"
            )
        if self.age is not None and not MIN_AGE <= self.age <= MAX_AGE:
            raise LabelError(f"age {self.age} is outside {MIN_AGE}..{MAX_AGE}")
        if self.age_range is not None:
            first, last = self.age_range.first, self.age_range.last
            if not MIN_AGE <= first < last <= MAX_AGE:
                raise LabelError(f"age {first}-{last} is not a range within {MIN_AGE}..{MAX_AGE}")
        if self.gender not in (0, 1, None):
            raise LabelError(f"gender {self.gender} is neither 0 (male) nor 1 (female)")
        if self.race is not None and not 0 <= self.race < len(RACES):
            raise LabelError(f"race {self.race} is outside 0..{len(RACES) - 1}")

    @classmethod
    def of_years(
        cls, years: AgeRange | None, gender: int | None, race: int | None = None
    ) -> FaceLabel:
        """A label from the years it allows: one year, a range, or None if the age is unknown."""
        if years is None or years.first == years.last:
            return cls(None if years is None else years.first, gender, race)
        return cls(None, gender, race, years)

    @property
    def years(self) -> AgeRange | None:
        """The ages that the label allows; None if the age is unknown."""
        return self.age_range if self.age is None else AgeRange(self.age, self.age)


def range_index(age: int) -> int:
    """The index into ``AGE_RANGES`` of a whole age.

    Raises:
        LabelError: the age is outside 0..116.
    """
    for index, age_range in enumerate(AGE_RANGES):
        if age_range.first <= age <= age_range.last:
            return index
    raise LabelError(f"age {age} is outside {MIN_AGE}..{MAX_AGE}")


def parse_name(name: str, *, allow_missing_race: bool = False) -> FaceLabel:
    """Read the label from a file name without folders.

    With ``allow_missing_race``, ``<age>_<gender>_<date>.jpg`` is a label without race; its date has
    at least 2 digits.

    >>> parse_name("25_1_2_20170116174525125.jpg.chip.jpg")
    FaceLabel(age=25, gender=1, race=2, age_range=None)

    Raises:
        LabelError: the name does not follow the grammar; the message names the violation.
    """
    match = _STEM.match(name)
    if match is None and allow_missing_race:
        match = _RACELESS.match(name)
    if match is None:
        parts = name.split(".")[0].split("_")
        detail = (
            f"{len(parts)} fields instead of 4" if len(parts) != 4 else "a field is not a number"
        )
        raise LabelError(f"name is not <age>_<gender>_<race>_<date>.jpg ({detail})")
    suffix = name[match.end() :]
    if _SUFFIX.fullmatch(suffix) is None:
        raise LabelError(f"unexpected {suffix!r} after the date")
    race = match.groupdict().get("race")
    return FaceLabel(int(match["age"]), int(match["gender"]), None if race is None else int(race))


def format_name(label: FaceLabel, date: str, *, chip: bool = True) -> str:
    """Compose a name that ``parse_name`` reads; ``date`` has 1 to 20 digits.

    Raises:
        LabelError: the label lacks age, gender or race, or the date is not digits.
    """
    if label.age is None or label.gender is None:
        raise LabelError("a name needs an age in whole years and a gender")
    if label.race is None:
        raise LabelError("a name needs a race; 4 is 'Others'")
    if not re.fullmatch(r"\d{1,20}", date, re.ASCII):
        raise LabelError(f"date {date!r} is not 1 to 20 digits")
    tail = ".jpg.chip.jpg" if chip else ".jpg"
    return f"{label.age}_{label.gender}_{label.race}_{date}{tail}"
