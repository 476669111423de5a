"""Which column is which, and what is suggested where that is not clear."""

from __future__ import annotations

import pytest

from utkage.core.errors import ConfigError
from utkage.data.label_files.columns import find_columns, listed, nearest, suggestion


def test_the_preferred_title_of_a_role_comes_first() -> None:
    columns = find_columns(("image_id", "path", "apparent_age_avg", "real_age", "sex"), {})
    assert columns.by_role == {"path": "path", "age": "real_age", "gender": "sex"}
    assert columns.are_labels
    assert columns.title("race") is None


def test_of_several_titles_of_paths_the_one_with_paths_is_taken() -> None:
    samples = [{"name": "Anna", "image": "a.jpg"}, {"name": "Bert", "image": "b.PNG"}]
    assert find_columns(("name", "image", "age"), {}, samples).title("path") == "image"
    swapped = [{"name": "a.jpg", "image": "7"}]
    assert find_columns(("name", "image", "age"), {}, swapped).title("path") == "name"


@pytest.mark.parametrize(
    ("titles", "age"),
    [
        (("path", "person_age"), "person_age"),
        (("path", "Age (years)".lower()), "age (years)"),
        (("path", "age_std"), None),
        (("path", "first_age_seen", "last_age_seen"), None),
        (("path", "predicted_age", "age"), None),
        (("path", "age", "age"), None),
    ],
)
def test_titles_that_are_like_that_of_the_age(titles: tuple[str, ...], age: str | None) -> None:
    assert find_columns(titles, {}).title("age") == age


def test_chosen_columns_by_title_and_by_place() -> None:
    titles = ("pic", "years_lived", "what")
    chosen = {"path": "1", "age": " Years_Lived ", "gender": "3"}
    found = find_columns(titles, chosen)
    assert found.by_role == {"path": "pic", "age": "years_lived", "gender": "what"}
    with pytest.raises(ConfigError, match=r"age=year_lived: there is no such.*mean years_lived"):
        find_columns(titles, {"age": "year_lived"})
    with pytest.raises(ConfigError, match="gender=4: there is no such column among pic"):
        find_columns(titles, {"gender": "4"})
    with pytest.raises(ConfigError, match="agee=what: choose from path, age"):
        find_columns(titles, {"agee": "what"})


def test_a_chosen_age_replaces_the_ends_of_a_range() -> None:
    titles = ("path", "age_min", "age_max", "label")
    both = find_columns(titles, {})
    assert both.has_age
    assert both.title("age_low") == "age_min"
    chosen = find_columns(titles, {"age": "label"})
    assert (chosen.title("age"), chosen.title("age_low")) == ("label", None)
    assert not find_columns(("path", "age_min"), {}).has_age, "one end is no age"


def test_a_table_needs_pictures_and_a_label() -> None:
    assert find_columns(("pixels", "gender"), {}).are_labels
    assert find_columns(("age",), {}, image_title="image").are_labels
    assert not find_columns(("age", "gender"), {}).are_labels
    assert not find_columns(("path", "race"), {}).are_labels


def test_suggestions() -> None:
    assert nearest("gendr", ("age", "gender")) == "gender"
    assert nearest("xyz", ("age", "gender")) is None
    assert suggestion(("image", "agee", "gendr")) == "path=image,age=agee,gender=gendr"
    assert suggestion(("path", "age", "age", "sex")) == "path=1,age=2,gender=4"
    assert suggestion(("a", "b")) == "path=...,age=...,gender=..."


def test_a_long_header_is_cut_short() -> None:
    assert listed(["x" * 40, "\x1b[0m"]) == "x" * 30 + "..., \\x1b[0m"
    assert listed([f"c{number}" for number in range(14)]).endswith("c11 and 2 more")
