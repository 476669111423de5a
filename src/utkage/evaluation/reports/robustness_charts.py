"""MAE under each corruption, one panel per corruption."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from utkage.evaluation.robustness import RobustnessReport
from utkage.reporting.figure_files import BLUE, GREY, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3


def robustness_charts(report: RobustnessReport) -> Figure:
    """MAE over the strengths of each corruption, with 95 % intervals."""
    rows = -(-len(report.factors) // _COLUMNS)
    figure = new_figure(3.6 * _COLUMNS, 2.6 * rows)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False)
    for panel in panels.flat[len(report.factors) :]:
        panel.axis("off")
    for panel, factor in zip(panels.flat, report.factors, strict=False):
        found = [level.mae for level in factor.levels]
        values = np.array([item.value for item in found], dtype=np.float64)
        ends = np.array([(item.low, item.high) for item in found], dtype=np.float64)
        reach = np.maximum(np.abs(ends - values[:, None]).T, 0)
        places = np.arange(len(values))
        panel.errorbar(places, values, yerr=reach, color=BLUE, marker="o", capsize=3)
        panel.axhline(report.clean, color=GREY, linestyle="--", linewidth=1)
        panel.axhline(2 * report.clean, color=VERMILION, linestyle=":", linewidth=1)
        panel.set_xticks(places, [level.label for level in factor.levels], fontsize=8)
        panel.set_xlim(-0.5, len(values) - 0.5)
        panel.set_ylim(bottom=0)
        panel.set_title(f"{factor.label}: {factor.doubling}", fontsize=8)
    figure.supylabel("MAE, years (dashed: no corruption; dotted: twice that)", fontsize=9)
    return figure
