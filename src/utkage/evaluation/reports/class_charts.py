"""Charts of probabilities, thresholds and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from utkage.evaluation.groups import Group
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics import METRICS
from utkage.evaluation.reliability import reliability_bins
from utkage.evaluation.thresholds import ThresholdCurve
from utkage.reporting.figure_files import BLUE, GREY, ORANGE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_diagram(faces: LabelledPredictions) -> Figure:
    """Frequency against probability; calibrated probabilities lie on the diagonal."""
    series = [("P(female)", faces.p_female, faces.genders == 1)]
    if faces.predictions is not None:
        surest = faces.predictions.range_probabilities.max(axis=1)
        series.append(("most probable range", surest, faces.ranges == faces.range_index))
    figure = new_figure(4.6 * len(series), 4.4)
    for axes, (label, predicted, true) in zip(
        figure.subplots(1, len(series), squeeze=False)[0], series, strict=True
    ):
        bins = reliability_bins(predicted, true)
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="calibrated")
        axes.plot(
            [item.predicted for item in bins],
            [item.observed for item in bins],
            color=BLUE,
            marker="o",
            label="observed",
        )
        for item in bins:
            axes.annotate(
                str(item.n),
                (item.predicted, item.observed),
                textcoords="offset points",
                xytext=(5, -11),
                fontsize=7,
                color=GREY,
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel("Probability (small numbers: faces in the bin)")
        axes.set_ylabel("Frequency")
        axes.set_title(f"Reliability of {label}")
        axes.legend(loc="upper left")
    return figure


def threshold_chart(curve: ThresholdCurve) -> Figure:
    """Both error rates over the required P(age >= T), with 95 % bands."""
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    demands = [point.demand for point in curve.points]
    for name, label, colour, dash, marker in (
        ("false_pass", f"under {curve.age} and passed (n = {curve.younger})", ORANGE, "-", "o"),
        ("false_fail", f"{curve.age} or older and failed (n = {curve.older})", BLUE, "--", "s"),
    ):
        found = [getattr(point, name) for point in curve.points]
        if found[0].value is None:
            continue
        values = [item.value for item in found]
        axes.plot(demands, values, color=colour, linestyle=dash, marker=marker, label=label)
        axes.fill_between(
            demands,
            [item.low if item.low is not None else item.value for item in found],
            [item.high if item.high is not None else item.value for item in found],
            color=colour,
            alpha=0.15,
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"Passes if P(age >= {curve.age}) is at least")
    axes.set_ylabel("Share of those faces")
    axes.set_title(f"Passing or failing at {curve.age}, with 95 % intervals")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def group_forest(groups: Sequence[Group]) -> Figure:
    """MAE and gender accuracy of each group with 95 % intervals; hollow markers for few faces."""
    figure = new_figure(9.0, 1.2 + 0.26 * len(groups))
    places = np.arange(len(groups))[::-1]
    first, second = figure.subplots(1, 2, sharey=True)
    for axes, key in ((first, "mae"), (second, "gender_accuracy")):
        for place, group in zip(places, groups, strict=True):
            found = group.metrics[key]
            if found.value is None:
                continue
            low = found.value if found.low is None else min(found.low, found.value)
            high = found.value if found.high is None else max(found.high, found.value)
            axes.plot([low, high], [place, place], color=BLUE)
            axes.plot(
                found.value,
                place,
                marker="o",
                color=BLUE,
                markerfacecolor="white" if group.small else BLUE,
            )
        axes.set_xlabel(METRICS[key].heading)
        axes.grid(axis="x", alpha=0.3)
    first.set_yticks(places, [f"{group.label} (n = {group.n})" for group in groups], fontsize=8)
    figure.suptitle("Groups, with 95 % intervals (hollow: few faces)")
    return figure
