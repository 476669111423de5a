"""Ages as label files write them: whole years, and ranges of years in many spellings."""

from __future__ import annotations

import re
from collections.abc import Callable

from utkage.core.errors import LabelError
from utkage.data.label_files.row import shown
from utkage.data.labels import MAX_AGE, MIN_AGE, AgeRange

_WHOLE = r"(\d{1,3})(?:[.,]0*)?"
_UNIT = (
    r"(?:\s*-?\s*(?:years?|yrs?|y|yo|y/o|ans?|jahren?|jahre|años?|anos?|anni|jaar|lat|лет|года?|"
    r"岁|歳|才|세|살)(?:\s*old)?)?"
)
_YEARS = re.compile(rf"{_WHOLE}{_UNIT}", re.ASCII)
_BETWEEN = re.compile(
    rf"(?:from |between |entre |de |von |zwischen )?{_WHOLE}{_UNIT}"
    r"\s*(?:-|~|_|:|/|\.\.+|,|;| to | and | bis | und | à | et | a | y | e | do | до )\s*"
    rf"{_WHOLE}{_UNIT}",
    re.ASCII,
)
_BRACKETS = re.compile(rf"([\[(])\s*{_WHOLE}\s*[,;:-]\s*{_WHOLE}\s*([\])])", re.ASCII)
_DECADE = re.compile(r"(\d{1,2}0)\s*(?:'?s|er|代|대)", re.ASCII)
_FROM = re.compile(
    rf"(?:>=|≥|from |at least |ab |ab dem )\s*{_WHOLE}{_UNIT}"
    rf"|{_WHOLE}{_UNIT}\s*(?:\+|-$|(?:and|or|und|&) (?:over|older|above|more|up|älter|mehr)"
    r"|\+?\s*(?:以上|이상))",
    re.ASCII,
)
_ABOVE = re.compile(rf"(?:>|over |above |older than |more than |über )\s*{_WHOLE}{_UNIT}", re.ASCII)
_UP_TO = re.compile(
    rf"(?:<=|≤|up to |at most |bis )\s*{_WHOLE}{_UNIT}"
    rf"|{_WHOLE}{_UNIT}\s*(?:(?:and|or) (?:under|younger|below|less)|以下|이하)",
    re.ASCII,
)
_BELOW = re.compile(
    rf"(?:<|under |below |younger than |less than |unter )\s*{_WHOLE}{_UNIT}"
    rf"|{_WHOLE}{_UNIT}\s*(?:未満|미만)",
    re.ASCII,
)
_MONTHS = re.compile(r"(\d{1,2})\s*-?\s*(?:months?|mo|mths?)(?: old)?", re.ASCII)
# Excel turns "3-9" into a date, "3-Sep" or "09-Mar", and "10-19" into "Oct-19".
_EXCEL_DATE = re.compile(
    r"(\d{1,2}[-. ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[-. ]\d{2,4})",
    re.ASCII,
)
# Ranges with one end, and the years that they allow.
_OPEN: tuple[tuple[re.Pattern[str], Callable[[int], tuple[int, int]]], ...] = (
    (_FROM, lambda end: (end, max(end, MAX_AGE))),
    (_ABOVE, lambda end: (end + 1, max(end + 1, MAX_AGE))),
    (_UP_TO, lambda end: (MIN_AGE, end)),
    (_BELOW, lambda end: (MIN_AGE, end - 1)),
)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－〜～", "-"))


def parse_age(text: str) -> AgeRange:
    """The years that a cell allows: one whole year, or a range.

    Ends that data sets leave open, such as ``70+`` and ``more than 70``, end at ``MAX_AGE``.
    The parentheses of ``(25, 32)`` include both ends, as in Adience. Where only one bracket is
    round, as in ``[20, 30)`` and ``(20, 30]``, that end is excluded.

    >>> parse_age("25.0"), parse_age("20-29"), parse_age("[20, 30)")
    (AgeRange(first=25, last=25), AgeRange(first=20, last=29), AgeRange(first=20, last=29))

    Raises:
        LabelError: the text is neither, or outside 0..116.
    """
    plain = " ".join(text.translate(_DASHES).lower().split()).strip("'\"")
    years = _years(plain)
    if years is not None:
        return _within_limits(years, text)
    if _EXCEL_DATE.fullmatch(plain):
        raise LabelError(
            f"age {shown(text)} is a date, which Excel makes of ranges such as 3-9; "
            "format the column as text"
        )
    raise LabelError(f"age {shown(text)} is not a whole number of years, nor a range such as 20-29")


def _years(text: str) -> tuple[int, int] | None:
    """First and last year, or None if the text has no known form."""
    if match := _YEARS.fullmatch(text):
        return int(match[1]), int(match[1])
    if match := _MONTHS.fullmatch(text):
        return int(match[1]) // 12, int(match[1]) // 12
    if match := _BRACKETS.fullmatch(text):
        opening, first, last, closing = match[1], int(match[2]), int(match[3]), match[4]
        half_open = (opening, closing) in (("[", ")"), ("(", "]"))
        return first + (half_open and opening == "("), last - (half_open and closing == ")")
    if match := _BETWEEN.fullmatch(text):
        return int(match[1]), int(match[2])
    if match := _DECADE.fullmatch(text):
        return int(match[1]), int(match[1]) + 9
    for pattern, years_of in _OPEN:
        if match := pattern.fullmatch(text):
            return years_of(int(next(group for group in match.groups() if group is not None)))
    return None


def _within_limits(years: tuple[int, int], text: str) -> AgeRange:
    first, last = years
    if first == last and first > MAX_AGE:
        raise LabelError(f"age {first} is outside {MIN_AGE}..{MAX_AGE}")
    if first > last:
        raise LabelError(f"age {shown(text)} is a range that ends before it starts")
    if first > MAX_AGE:
        raise LabelError(f"age {shown(text)} is outside {MIN_AGE}..{MAX_AGE}")
    return AgeRange(first, min(last, MAX_AGE))
