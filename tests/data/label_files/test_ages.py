"""Ages in the spellings of many label files."""

import pytest

from utkage.core.errors import LabelError
from utkage.data.label_files.ages import parse_age
from utkage.data.labels import AgeRange


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        *((text, 25, 25) for text in ("25", "25.0", "25,0", " 25 ", "25 years", "25 ans", "25세")),
        *((text, 25, 25) for text in ("25-25", "25 years old", "'25'", "25歳", "25 yo")),
        *((text, 20, 29) for text in ("20-29", "20–29", "20 - 29", "20~29", "20〜29", "20..29")),
        *((text, 20, 29) for text in ("20 to 29", "20_29", "(20, 29)", "[20,29]", "(20;29)")),
        *((text, 20, 29) for text in ("20-29 years", "20 years to 29 years", "20 bis 29")),
        *((text, 20, 29) for text in ("between 20 and 29", "20.0-29.0", "[20, 30)", "(19, 29]")),
        *((text, 20, 29) for text in ("(19.0, 29.0]", "20s", "20's", "20代", "20대", "de 20 a 29")),
        *((text, 70, 116) for text in ("70+", "70 +", ">=70", "≥ 70", "70 and over", "70 or more")),
        *((text, 70, 116) for text in ("70 years and older", "70以上", "from 70", "70-120")),
        *((text, 71, 116) for text in ("more than 70", ">70", "over 70", "older than 70")),
        *((text, 0, 2) for text in ("0-2", "(0, 2)", "<3", "under 3", "up to 2", "<=2", "≤2")),
        *((text, 0, 2) for text in ("less than 3", "2 and under", "below 3 years")),
        ("6 months", 0, 0),
        ("18 months", 1, 1),
        ("116", 116, 116),
    ],
)
def test_years_and_ranges(text: str, first: int, last: int) -> None:
    assert parse_age(text) == AgeRange(first, last)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3-Sep", "Excel makes of ranges"),
        ("09-Mar", "Excel makes of ranges"),
        ("Oct-19", "Excel makes of ranges"),
        ("25.5", "not a whole number"),
        ("adult", "not a whole number"),
        ("", "not a whole number"),
        ("None", "not a whole number"),
        ("117", "age 117 is outside"),
        ("120-130", "is outside"),
        ("29-20", "ends before it starts"),
        ("(0, 0]", "ends before it starts"),
        ("under 0", "ends before it starts"),
    ],
)
def test_other_texts_are_refused(text: str, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        parse_age(text)
