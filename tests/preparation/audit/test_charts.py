from utkage.preparation.audit.charts import age_histogram, stacked_bars
from utkage.reporting.figure_files import BLUE, ORANGE, VERMILION, svg_bytes


def colour_of(patch) -> str:
    from matplotlib.colors import to_hex

    return to_hex(patch.get_facecolor())


def test_marked_ages_have_another_colour_and_their_number():
    (axes,) = age_histogram([0, 5, 10], {2}).axes
    bars = axes.patches
    assert [colour_of(bar) for bar in bars] == [BLUE, BLUE, VERMILION]
    assert bars[2].get_height() == 2 * bars[1].get_height()
    assert [text.get_text() for text in axes.texts] == ["2"]


def test_parts_lie_side_by_side_within_the_chart():
    (axes,) = stacked_bars(["a<b", "c"], [("m", (30, 0)), ("f", (10, 5))]).axes
    first, empty, second, third = axes.patches
    assert second.get_x() >= first.get_x() + first.get_width()
    assert first.get_width() == 3 * second.get_width()
    assert empty.get_width() == 0
    assert colour_of(third) == ORANGE
    assert second.get_x() + second.get_width() <= axes.get_xlim()[1]
    assert [text.get_text() for text in axes.texts] == ["40", "5"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a<b", "c"]


def test_charts_of_nothing():
    assert svg_bytes(age_histogram([0] * 117, set()), "ages").startswith(b"<?xml")
    assert svg_bytes(stacked_bars(["a"], [("m", (0,)), ("f", (0,))]), "ranges").startswith(b"<?xml")
