"""Every chart of an evaluation as a matplotlib figure; intervals are those of 95 %."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.text import printable
from utkage.data.labels import GENDERS, RANGE_NAMES
from utkage.evaluation.age_checks.thresholds import NEAR_YEARS, ThresholdCurve
from utkage.evaluation.groups.group_metrics import Group
from utkage.evaluation.inputs.labelled_predictions import (
    AGE,
    AGE_RANGE,
    GENDER,
    GENDER_PROBABILITY,
    LabelledPredictions,
)
from utkage.evaluation.metrics.age_errors import years_outside
from utkage.evaluation.metrics.bootstrap import Estimate, Ints
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import INTERVAL_LEVEL, METRICS, TOLERANCES
from utkage.evaluation.metrics.reliability import reliability_bins, risk_coverage
from utkage.evaluation.reports.cells import reach
from utkage.evaluation.robustness.corruption_errors import RobustnessReport
from utkage.reporting.figure_files import (
    BLUE,
    CHART_WIDTH,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROBUSTNESS_COLUMNS = 2
SHEET_COLUMNS, SHEET_ROWS = 8, 2


def age_density(faces: LabelledPredictions) -> Figure:
    """Predicted against true age; darker hexagons hold more faces."""
    faces = faces.with_label(AGE)
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogFormatter

    figure = new_figure(CHART_WIDTH, 4.2)
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
    # The usual formatter writes formulas.
    bar = figure.colorbar(cells, ax=axes, label="faces", format=LogFormatter(), shrink=0.8)
    bar.ax.yaxis.set_minor_formatter(LogFormatter())
    axes.set(xlabel="True age, years", ylabel="Predicted age, years", aspect="equal")
    figure.suptitle(f"Predicted against true age (n = {len(faces)})")
    axes.legend(loc="upper left")
    return figure


def error_by_age(decades: Sequence[Group]) -> Figure:
    """MAE and bias of each decade of true age; hollow markers for few faces."""
    figure = new_figure(CHART_WIDTH, 1.4 + 0.32 * len(decades))
    axes = figure.subplots()
    for key, label, colour, marker, shift in (
        ("mae", "MAE", BLUE, "o", -0.1),
        ("bias", METRICS["bias"].label, ORANGE, "s", 0.1),
    ):
        for place, group in enumerate(decades):
            axes.errorbar(
                group.value(key),
                place + shift,
                xerr=reach([group.metrics[key]]),
                fmt=marker,
                color=colour,
                capsize=3,
                markerfacecolor="white" if group.small else colour,
                label=label if place == 0 else None,
            )
    axes.axvline(0, color=GREY, linewidth=0.8)
    names = [f"{group.name} (n = {group.n})" for group in decades]
    axes.set_yticks(range(len(decades)), names)
    axes.invert_yaxis()
    axes.set(xlabel="Years", ylabel="True age, years", title="Error by age, with 95 % intervals")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", fontsize=9)
    return figure


def cumulative_scores(populations: Sequence[Population]) -> Figure:
    """CS@k over k for each population."""
    figure = new_figure(CHART_WIDTH, 3.5)
    axes = figure.subplots()
    styles = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, ":", "^"))
    for population, style in zip(populations, styles, strict=True):
        if "cs1" in population.metrics and population.n:
            scores = [population.metrics[f"cs{k}"] for k in TOLERANCES]
            label = f"{population.label} (n = {population.n})"
            _line_with_band(axes, TOLERANCES, scores, style, label)
    axes.set(ylim=(0, 1), xlabel="Error of at most k years", ylabel="Share of faces")
    axes.set_title("Cumulative score CS@k, with 95 % intervals")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    return figure


def risk_and_coverage(faces: LabelledPredictions) -> Figure | None:
    """MAE when the faces with the widest intervals are rejected; None without intervals."""
    faces = faces.with_label(AGE)
    if faces.predictions is None or not len(faces):
        return None
    errors = np.abs(faces.age - faces.ages)
    low, high = faces.intervals[INTERVAL_LEVEL]
    figure = new_figure(CHART_WIDTH, 3.5)
    axes = figure.subplots()
    # The mean of the first few faces is mostly noise.
    first = min(len(errors) - 1, max(1, len(errors) // 50))
    for uncertainties, label, colour, dash in (
        (high - low, "rejected first: widest intervals", BLUE, "-"),
        (errors, "rejected first: largest errors (impossible)", GREY, ":"),
    ):
        shares, means = risk_coverage(errors, uncertainties)
        axes.plot(shares[first:], means[first:], color=colour, linestyle=dash, label=label)
    axes.axhline(errors.mean(), color=ORANGE, linestyle="--", label="all faces")
    axes.set_ylim(bottom=0)
    axes.set(xlim=(0, 1), xlabel="Coverage: share of accepted faces", title="Risk and coverage")
    axes.set_ylabel("MAE of accepted faces, years")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure


def reliability_diagram(faces: LabelledPredictions) -> Figure | None:
    """Frequency against probability, which are equal if calibrated; None without probabilities."""
    gendered, aged = faces.with_label(GENDER_PROBABILITY), faces.with_label(AGE)
    series = []
    if len(gendered):
        series.append(("P(female)", gendered.p_female, gendered.genders == 1))
    if aged.predictions is not None and len(aged):
        surest = aged.predictions.range_probabilities.max(axis=1)
        series.append(("most probable range", surest, aged.ranges == aged.range_index))
    if not series:
        return None
    figure = new_figure(CHART_WIDTH, 4.2 * len(series))
    panels = figure.subplots(len(series), 1, squeeze=False)[:, 0]
    for axes, (label, probabilities, true) in zip(panels, series, strict=True):
        bins = reliability_bins(probabilities, true)
        predicted, observed = [item.predicted for item in bins], [item.observed for item in bins]
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="calibrated")
        axes.plot(predicted, observed, color=BLUE, marker="o", label="observed")
        text = {"textcoords": "offset points", "xytext": (5, -11), "fontsize": 8, "color": GREY}
        for item in bins:
            axes.annotate(str(item.n), (item.predicted, item.observed), **text)
        axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="Frequency", title=f"Reliability of {label}")
        axes.set_xlabel("Probability (small numbers: faces in the bin)")
        axes.legend(loc="upper left")
    return figure


def threshold_chart(curve: ThresholdCurve) -> Figure:
    """Both error rates next to the threshold over the required P(age >= T)."""
    figure = new_figure(CHART_WIDTH, 3.5)
    axes = figure.subplots()
    demands = [point.demand for point in curve.points]
    age = curve.age
    lines = (
        ("near_false_pass", curve.near_younger, f"{max(0, age - NEAR_YEARS)}-{age - 1} and passed"),
        ("near_false_fail", curve.near_older, f"{age}-{age + NEAR_YEARS - 1} and failed"),
    )
    for (name, count, label), style in zip(
        lines, ((ORANGE, "-", "o"), (BLUE, "--", "s")), strict=True
    ):
        if count:
            rates = [getattr(point, name) for point in curve.points]
            _line_with_band(axes, demands, rates, style, f"{label} (n = {count})")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"Passes if P(age >= {curve.age}) is at least")
    axes.set_ylabel("Share of those faces")
    axes.set_title(f"Passing or failing at {curve.age}, with 95 % intervals")
    axes.grid(alpha=0.3)
    if curve.near_younger or curve.near_older:
        axes.legend()
    return figure


def group_forest(groups: Sequence[Group]) -> Figure:
    """MAE and gender accuracy of each group; hollow markers for few faces."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(CHART_WIDTH, 1.2 + 0.24 * len(groups))
    places = range(len(groups))[::-1]
    panels = figure.subplots(1, 2, sharey=True)
    for axes, key in zip(panels, ("mae", "gender_accuracy"), strict=True):
        for place, group in zip(places, groups, strict=True):
            if key not in group.metrics:
                continue
            fill = "white" if group.small else BLUE
            ends = reach([group.metrics[key]])
            axes.errorbar(
                group.value(key), place, xerr=ends, fmt="o", color=BLUE, markerfacecolor=fill
            )
        axes.set_xlabel(METRICS[key].heading)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.grid(axis="x", alpha=0.3)
    names = [printable(f"{group.label} (n = {group.n})") for group in groups]
    panels[0].set_yticks(places, names, fontsize=8)
    figure.suptitle("Groups, with 95 % intervals (hollow: few faces)", fontsize=10)
    return figure


def robustness_charts(report: RobustnessReport) -> Figure:
    """MAE over the strengths of each corruption, one panel per corruption."""
    rows = -(-len(report.factors) // ROBUSTNESS_COLUMNS)
    figure = new_figure(CHART_WIDTH, 1.8 * rows)
    panels = figure.subplots(rows, ROBUSTNESS_COLUMNS, squeeze=False)
    for panel in panels.flat[len(report.factors) :]:
        panel.axis("off")
    for panel, factor in zip(panels.flat, report.factors, strict=False):
        errors = [level.mae for level in factor.levels]
        places = range(len(errors))
        values = np.array([found.value for found in errors], dtype=np.float64)
        panel.errorbar(places, values, yerr=reach(errors), color=BLUE, marker="o", capsize=3)
        panel.axhline(report.clean, color=GREY, linestyle="--", linewidth=1)
        panel.axhline(2 * report.clean, color=VERMILION, linestyle=":", linewidth=1)
        panel.set_xticks(places, [level.label for level in factor.levels], fontsize=8)
        panel.set_xlim(-0.5, len(errors) - 0.5)
        panel.set_ylim(bottom=0)
        panel.set_title(f"{factor.label}:\n{factor.doubling}", fontsize=8)
    figure.supylabel("MAE, years (dashed: no corruption; dotted: twice that)")
    return figure


def range_confusion(faces: LabelledPredictions) -> Figure:
    """True against predicted age range, as counts and as shares."""
    faces = faces.with_label(AGE)
    return _confusion_figure(faces.ranges, faces.range_index, RANGE_NAMES, "age range")


def gender_confusion(faces: LabelledPredictions) -> Figure:
    """True against predicted gender, as counts and as shares."""
    faces = faces.with_label(GENDER)
    return _confusion_figure(faces.genders, faces.gender, GENDERS, "gender")


def _confusion_figure(true: Ints, predicted: Ints, names: Sequence[str], label: str) -> Figure:
    from sklearn.metrics import ConfusionMatrixDisplay

    # Two small matrices side by side; large ones one below the other.
    is_small = len(names) <= 4
    figure = new_figure(CHART_WIDTH, 2.8 if is_small else 8.4)
    counts, shares = figure.subplots(1, 2) if is_small else figure.subplots(2, 1)
    for axes, normalize, form, title in (
        (counts, None, "d", f"Faces (n = {len(true)})"),
        (shares, "true", ".2f", f"Share of each\ntrue {label}"),
    ):
        ConfusionMatrixDisplay.from_predictions(
            true,
            predicted,
            labels=range(len(names)),
            display_labels=names,
            normalize=normalize,
            values_format=form,
            xticks_rotation=45,
            cmap="cividis",
            colorbar=False,
            text_kw={"fontsize": 10 if is_small else 8},
            ax=axes,
        )
        axes.set(xlabel=f"Predicted {label}", ylabel=f"True {label}")
        axes.set_title(title, fontsize=10)
    return figure


def extreme_faces(faces: LabelledPredictions) -> tuple[Ints, Ints]:
    """Indices of the faces with the largest and the smallest age errors.

    The error of an age that is a range is the distance to it. Faces of unknown age are left out.
    """
    rows = np.flatnonzero(faces.labelled(AGE) | faces.labelled(AGE_RANGE))
    known = faces.take(rows)
    outside = np.abs(years_outside(known.allowed_ages, known.age))
    errors = np.where(known.ages >= 0, np.abs(known.age - known.ages), outside)
    order = rows[np.argsort(errors, kind="stable")]
    count = min(SHEET_COLUMNS * SHEET_ROWS, len(order))
    return order[::-1][:count], order[:count]


def contact_sheet(faces: LabelledPredictions, chips: dict[int, NDArray[np.uint8]]) -> Figure:
    """Worst faces above, best below, each with true and predicted age and gender.

    It shows people, so it is not in the page, which can be passed on. ``chips`` holds the chip of
    each of ``extreme_faces``, uint8 RGB (S, S, 3), by the index of the face.
    """
    figure = new_figure(1.5 * SHEET_COLUMNS, 3.9 * SHEET_ROWS)
    panels = figure.subplots(2 * SHEET_ROWS, SHEET_COLUMNS)
    for panel in panels.flat:
        panel.axis("off")
    halves = panels[:SHEET_ROWS].flat, panels[SHEET_ROWS:].flat
    for half, rows, label in zip(halves, extreme_faces(faces), ("worst", "best"), strict=True):
        for panel, row in zip(half, rows, strict=False):
            panel.imshow(chips[int(row)])
            panel.set_title(
                f"{label}: {faces.age_text(row)} as {faces.age[row]:.0f}\n"
                f"{faces.gender_text(row)} as {_predicted_gender(faces, row)}",
                fontsize=8,
            )
    figure.suptitle("Largest and smallest age errors (true as predicted)", color=GREY)
    return figure


def _predicted_gender(faces: LabelledPredictions, row: int) -> str:
    return "unknown" if np.isnan(faces.p_female[row]) else GENDERS[faces.gender[row]]


def _line_with_band(
    axes: Axes,
    places: Sequence[float],
    found: Sequence[Estimate],
    style: tuple[str, str, str],
    label: str,
) -> None:
    """Draw values as a line and their intervals as a band; ``style``: colour, dash, marker."""
    colour, dash, marker = style
    values = np.array([item.value for item in found], dtype=np.float64)
    below, above = reach(found)
    axes.plot(places, values, color=colour, linestyle=dash, marker=marker, label=label)
    axes.fill_between(places, values - below, values + above, color=colour, alpha=0.15)
