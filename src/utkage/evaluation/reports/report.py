"""``evaluate --report``: every picture, the page, and Markdown for a model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.files import file_hash, write_text
from utkage.core.versions import versions
from utkage.evaluation.reports.age_charts import (
    age_density,
    cumulative_scores,
    error_by_age,
    risk_and_coverage,
)
from utkage.evaluation.reports.class_charts import (
    gender_matrix,
    group_forest,
    reliability_diagram,
    threshold_chart,
)
from utkage.evaluation.reports.confusion import plot_confusion
from utkage.evaluation.reports.contact_sheet import contact_sheet, extreme_faces
from utkage.evaluation.reports.model_card import AXES, model_card
from utkage.evaluation.reports.page import Page, write_evaluation_page
from utkage.evaluation.reports.robustness_charts import robustness_charts
from utkage.images.resize import resize_square
from utkage.reporting.figure_files import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from utkage.evaluation.evaluate import EvaluateResult
    from utkage.evaluation.labelled_faces import LabelledFaces
    from utkage.evaluation.labelled_predictions import LabelledPredictions

PICTURES = "pictures"
_CONTACT_SIDE = 120


def write_report(
    result: EvaluateResult, faces: LabelledPredictions, labelled: LabelledFaces, out: Path
) -> dict[str, Path]:
    """Draw and write everything below ``out``; the files by kind.

    The contact sheet shows people. It is not part of the page, which may be passed on.
    """
    folder = out / PICTURES
    shown: dict[str, Path] = {}
    for name, words, figure in _figures(result, faces):
        shown[words] = save_figure(figure, folder, name)["svg"]
    confusion = folder / "confusion_matrix.svg"
    plot_confusion(faces.ranges, faces.range_index, confusion)
    shown["Confusion matrix of the nine age ranges"] = confusion
    files = {"pictures": folder, "page": out / "report.html", "model_card": out / "model_card.md"}
    sheet = contact_sheet(faces, _chips(faces, labelled))
    files["faces"] = save_figure(sheet, out, "faces")["png"]
    where = f"{result.data}" + (f", {result.split} split" if result.split else "")
    title = f"{result.weights.name} on {where}"
    facts = report_facts(result)
    write_evaluation_page(
        Page(
            title=title,
            facts=facts,
            warnings=_warnings(result),
            populations=result.populations,
            groups=result.groups,
            threshold=result.threshold,
            comparisons=result.comparisons,
            stress=result.stress,
            pictures=shown,
        ),
        files["page"],
    )
    text = model_card(title, facts, result.populations, result.groups, result.threshold)
    write_text(files["model_card"], text)
    return files


def report_facts(result: EvaluateResult) -> dict[str, str]:
    """Where the figures came from, in words."""
    card = result.card
    facts = {
        "data": str(result.data),
        "split": "-" if result.split is None else f"{result.split} of {result.split_hash}",
        "weights": f"{result.weights.name}, SHA-256 {file_hash(result.weights)}...",
    }
    if card is not None:
        fitted = card.calibration
        contract = card.contract
        facts |= {
            "model": f"{card.system}, {card.backbone}, point estimate: {card.point_estimate}",
            "calibration": "none"
            if fitted is None
            else f"{fitted.fitted_on.get('n')} faces of {fitted.fitted_on.get('split')} "
            f"({fitted.fitted_on.get('date')})",
            "crop contract": f"{contract.size} x {contract.size} RGB, landmarks at "
            + ", ".join(f"({x:.1f}, {y:.1f})" for x, y in contract.template),
        }
    facts |= {
        "left out": f"{len(result.dropped)} pictures, {result.misses} of them because no face "
        f"was found; {result.unanswered} faces without an answer",
        "seen in training": "not known" if result.seen is None else str(result.seen),
        "time for the answers": f"{result.seconds:.1f} s",
        "command": result.command or "-",
        "versions": ", ".join(f"{name} {value}" for name, value in versions().items()),
    }
    return facts


def _figures(result: EvaluateResult, faces: LabelledPredictions) -> list[tuple[str, str, Figure]]:
    groups = result.groups
    shown = [group for axis in AXES for group in groups.of_axis(axis)]
    found: list[tuple[str, str, Figure | None]] = [
        ("age_density", "Predicted against true age", age_density(faces)),
        ("error_by_age", "Error by age", error_by_age(groups.of_axis("decade"))),
        ("cumulative_score", "Cumulative score", cumulative_scores(result.populations)),
        ("reliability", "Reliability of probabilities", reliability_diagram(faces)),
        ("risk_coverage", "Risk and coverage", risk_and_coverage(faces)),
        ("gender_matrix", "Gender matrix", gender_matrix(faces)),
        ("groups", "Groups", group_forest(shown)),
    ]
    if result.threshold is not None:
        age = result.threshold.age
        found.append(("threshold", f"A threshold of {age}", threshold_chart(result.threshold)))
    if result.stress is not None:
        found.append(("stress", "Errors when pictures get worse", robustness_charts(result.stress)))
    return [(name, words, figure) for name, words, figure in found if figure is not None]


def _chips(faces: LabelledPredictions, labelled: LabelledFaces) -> dict[int, NDArray[np.uint8]]:
    chips = labelled.chips
    keys = zip(chips.sources, chips.names, strict=True)
    places = dict(zip(keys, chips.rows, strict=True))
    wanted = {int(index) for part in extreme_faces(faces) for index in part}
    return {
        index: resize_square(
            chips.pixels[places[faces.sources[index], faces.names[index]]], _CONTACT_SIDE
        )
        for index in wanted
    }


def _warnings(result: EvaluateResult) -> list[str]:
    words = [f"Told to let pass: {noticed}." for noticed in result.noticed]
    if result.seen:
        words.append(f"The weights learned from {result.seen} of these pictures.")
    if result.seen is None:
        words.append("It is not known which pictures were learned from.")
    if result.oracle_mae is not None:
        words.append(
            f"With the true range fed in the error would read {result.oracle_mae:.2f} years; "
            "nobody knows the true range, so that number says nothing."
        )
    return words
