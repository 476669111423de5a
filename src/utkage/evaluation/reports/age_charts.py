"""Charts of age errors: density, error by age, cumulative score, risk and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from utkage.evaluation.bootstrap import Estimate
from utkage.evaluation.groups import Group
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics import METRICS, TOLERANCES
from utkage.evaluation.populations import Population
from utkage.evaluation.reliability import risk_coverage
from utkage.reporting.figure_files import BLUE, GREEN, GREY, ORANGE, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def age_density(faces: LabelledPredictions) -> Figure:
    """Predicted against true age; darker hexagons hold more faces."""
    from matplotlib.colors import LogNorm

    figure = new_figure(6.4, 5.6)
    axes = figure.subplots()
    top = float(max(faces.ages.max(), faces.age.max(), 10))
    cells = axes.hexbin(
        faces.ages,
        faces.age,
        gridsize=45,
        extent=(0, top, 0, top),
        mincnt=1,
        cmap="cividis_r",
        norm=LogNorm(),
    )
    axes.plot([0, top], [0, top], color=VERMILION, linestyle="--", label="correct")
    figure.colorbar(cells, ax=axes, label="faces")
    axes.set_xlabel("True age, years")
    axes.set_ylabel("Predicted age, years")
    axes.set_title(f"Predicted against true age (n = {len(faces)})")
    axes.set_aspect("equal")
    axes.legend(loc="upper left")
    return figure


def error_by_age(decades: Sequence[Group]) -> Figure:
    """MAE and bias of each decade of true age, with 95 % intervals; hollow for few faces."""
    figure = new_figure(7.2, 4.2)
    axes = figure.subplots()
    places = np.arange(len(decades))
    for key, label, colour, marker, shift in (
        ("mae", "MAE", BLUE, "o", -0.1),
        ("bias", METRICS["bias"].label, ORANGE, "s", 0.1),
    ):
        for place, group in zip(places, decades, strict=True):
            found = group.metrics[key]
            axes.errorbar(
                place + shift,
                _value(found),
                yerr=_reach(found),
                fmt=marker,
                color=colour,
                capsize=3,
                markerfacecolor="white" if group.small else colour,
                label=label if place == 0 else None,
            )
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xticks(places, [f"{group.name}\nn={group.n}" for group in decades], fontsize=8)
    axes.set_xlabel("True age, years")
    axes.set_ylabel("Years")
    axes.set_title("Error by age, with 95 % intervals")
    axes.legend()
    return figure


def cumulative_scores(populations: Sequence[Population]) -> Figure:
    """CS@k over k for each population, with a 95 % band."""
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    styles = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, ":", "^"))
    for population, (colour, dash, marker) in zip(populations, styles, strict=True):
        if not population.n:
            continue
        found = [population.metrics[f"cs{k}"] for k in TOLERANCES]
        values = [_value(item) for item in found]
        axes.plot(
            list(TOLERANCES),
            values,
            color=colour,
            linestyle=dash,
            marker=marker,
            label=f"{population.label} (n = {population.n})",
        )
        low = [_value(item) if item.low is None else item.low for item in found]
        high = [_value(item) if item.high is None else item.high for item in found]
        axes.fill_between(list(TOLERANCES), low, high, color=colour, alpha=0.15)
    axes.set_ylim(0, 1)
    axes.set_xlabel("Error of at most k years")
    axes.set_ylabel("Share of faces")
    axes.set_title("Cumulative score CS@k, with 95 % intervals")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def risk_and_coverage(faces: LabelledPredictions) -> Figure | None:
    """MAE when the faces with the widest intervals are rejected; None without intervals."""
    if faces.predictions is None:
        return None
    errors = np.abs(faces.age - faces.ages)
    low, high = faces.intervals[0.8]
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    for uncertainties, label, colour, dash in (
        (high - low, "widest intervals rejected first", BLUE, "-"),
        (errors, "largest errors rejected first (impossible in practice)", GREY, ":"),
    ):
        shares, means = risk_coverage(errors, uncertainties)
        # The mean of the first few faces is mostly noise.
        first = min(len(errors) - 1, max(1, len(errors) // 50))
        axes.plot(shares[first:], means[first:], color=colour, linestyle=dash, label=label)
    axes.axhline(errors.mean(), color=ORANGE, linestyle="--", label="all faces")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Coverage: share of accepted faces")
    axes.set_ylabel("MAE of accepted faces, years")
    axes.set_title("Risk and coverage")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _value(found: Estimate) -> float:
    return float("nan") if found.value is None else found.value


def _reach(found: Estimate) -> list[list[float]] | None:
    if found.value is None or found.low is None or found.high is None:
        return None
    # A percentile interval may not contain the value if n is tiny.
    return [[max(found.value - found.low, 0.0)], [max(found.high - found.value, 0.0)]]
