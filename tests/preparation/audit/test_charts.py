from itertools import pairwise

import pytest

from utkage.preparation.audit.charts import age_histogram, stacked_bars


def test_columns_are_as_high_as_their_counts_and_marked_ages_stand_out() -> None:
    chart = age_histogram([0, 5, 10], {2})
    assert [(column.age, column.faces) for column in chart.columns] == [(0, 0), (1, 5), (2, 10)]
    assert [column.height for column in chart.columns] == [0, 50, 100]
    assert [column.marked for column in chart.columns] == [False, False, True]


def test_numbers_of_neighbouring_ages_do_not_overlap() -> None:
    marked = [20, 21, 25, 30, 33, 35, 90]
    chart = age_histogram([1] * 117, marked)
    levels = {column.age: column.level for column in chart.columns if column.marked}
    assert list(levels) == marked
    for level in set(levels.values()):
        ages = [age for age, other in levels.items() if other == level]
        assert all(later - earlier >= 5 for earlier, later in pairwise(ages))
    assert chart.levels == 1 + max(levels.values()) == 2
    assert levels[90] == levels[20] == 0


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [(1, [0, 1]), (4, [0, 1, 2, 3, 4]), (28, [0, 10, 20]), (2197, [0, 500, 1000, 1500, 2000])],
)
def test_the_scale_has_few_round_numbers(highest: int, ticks: list[int]) -> None:
    chart = age_histogram([0, highest], ())
    assert [tick.faces for tick in chart.ticks] == ticks
    for tick in chart.ticks:
        assert tick.height == pytest.approx(100 * tick.faces / highest, abs=0.01)


def test_the_histogram_as_text_and_numbers() -> None:
    counts = [0] * 117
    counts[30], counts[116] = 1200, 3
    chart = age_histogram(counts, {30})
    assert chart.summary == (
        "Faces of each year of age, from 30 to 116. The most frequent age is 30, with 1,200."
    )
    assert [name for name, _ in chart.decades][-2:] == ["100-109", "110-116"]
    assert [count for _, row in chart.decades for count in row] == counts


def test_parts_lie_side_by_side_within_the_chart() -> None:
    first, second = stacked_bars(["a<b", "c"], [(30, 0), (10, 5)])
    assert (first.name, first.counts, first.total) == ("a<b", (30, 10), 40)
    assert (second.name, second.counts, second.total) == ("c", (0, 5), 5)
    assert first.widths == (75, 25)
    assert second.widths == (0, 12.5)


def test_charts_of_nothing() -> None:
    chart = age_histogram([0] * 117, ())
    assert {column.height for column in chart.columns} == {0}
    assert chart.summary == "Faces of each year of age: none."
    (bar,) = stacked_bars(["a"], [(0,), (0,)])
    assert bar.widths == (0, 0)
