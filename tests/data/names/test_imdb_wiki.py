from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.imdb_wiki import IMDB_WIKI, age_at_mid_year, is_imdb_wiki_name


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("17/10000217_1981-05-05_2009.jpg", 28, None),
        ("01/nm0000001_rm124825600_1899-10-5_1968.jpg", 68, None),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert IMDB_WIKI.parse(path) == FaceLabel(age, gender)
    assert IMDB_WIKI.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize(
    "path",
    ["10000217_1981-05_2009.jpg", "nm0000001_1899-10-5_1968.jpg", "17/x_1981-05-05_2009.jpg"],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        IMDB_WIKI.parse(path)
    assert str(caught.value) == "name is not <number>_<date of birth>_<year>.jpg, as in IMDB-WIKI"


@pytest.mark.parametrize(("month", "age"), [(1, 28), (6, 28), (7, 27), (12, 27)])
def test_ages_are_those_of_the_middle_of_the_year(month: int, age: int) -> None:
    assert age_at_mid_year(2009, 1981, month) == age


def test_names_are_recognised_without_an_age() -> None:
    assert is_imdb_wiki_name("17/10000217_1981-05-05_2009.jpg")
    assert not is_imdb_wiki_name("a.jpg")
