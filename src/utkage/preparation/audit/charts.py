"""Charts of the audit: faces by age, and faces by class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from utkage.reporting.figure_files import BLUE, GREY, ORANGE, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def age_histogram(counts: Sequence[int], marked: Collection[int]) -> Figure:
    """Faces of each year of age from 0.

    The ``marked`` years have their number on top and another colour, so that they can be told
    apart without colours.
    """
    figure = new_figure(9.6, 2.8)
    axes = figure.subplots()
    colours = [VERMILION if age in marked else BLUE for age in range(len(counts))]
    axes.bar(range(len(counts)), counts, color=colours)
    for age in marked:
        axes.annotate(
            str(age),
            (age, counts[age]),
            textcoords="offset points",
            xytext=(0, 3),
            ha="center",
            fontsize=8,
            fontweight="bold",
            color=VERMILION,
        )
    axes.margins(x=0.01)
    axes.set_ylim(0, 1.15 * max(1, *counts))
    axes.set_xticks(range(0, len(counts), 10))
    axes.set_xlabel("Age, years")
    axes.set_ylabel("Faces")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def stacked_bars(names: Sequence[str], parts: Sequence[tuple[str, Sequence[int]]]) -> Figure:
    """One horizontal bar per name, followed by its total.

    Args:
        names: Name of each bar, from the top.
        parts: Label and counts, (names,), of one or two parts that each bar is divided into.
    """
    figure = new_figure(6.4, 0.8 + 0.28 * len(names))
    axes = figure.subplots()
    places = range(len(names))
    totals = [0] * len(names)
    for (label, counts), colour in zip(parts, (BLUE, ORANGE), strict=False):
        bars = axes.barh(places, counts, left=totals, color=colour, edgecolor="white", label=label)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    axes.bar_label(bars, [f"{total:,}" for total in totals], padding=4, fontsize=8, color=GREY)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(1, *totals))
    axes.set_xlabel("Faces")
    axes.spines[["top", "right"]].set_visible(False)
    if len(parts) > 1:
        figure.legend(loc="outside upper center", ncols=len(parts), frameon=False)
    return figure
