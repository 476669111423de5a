"""``evaluate --report``: every chart, the page, and Markdown for a model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.files import file_hash, write_text
from utkage.core.text import counted
from utkage.core.versions import versions
from utkage.evaluation.labelled_faces import LabelledFaces
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.reports import age_charts, class_charts, confusion
from utkage.evaluation.reports.contact_sheet import contact_sheet, extreme_faces
from utkage.evaluation.reports.model_card import model_card
from utkage.evaluation.reports.page import Page, write_evaluation_page
from utkage.evaluation.reports.robustness_charts import robustness_charts
from utkage.evaluation.reports.tables import CARD_AXES
from utkage.evaluation.result import EvaluateResult
from utkage.images.resize import resize_square
from utkage.reporting.figure_files import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHARTS = "pictures"
_CONTACT_SIZE = 120


def write_report(
    result: EvaluateResult, faces: LabelledPredictions, labelled: LabelledFaces, out: Path
) -> dict[str, Path]:
    """Draw and write everything below ``out``; return the files by kind.

    The contact sheet shows people. It is not part of the page, so that the page can be passed on.
    """
    folder = out / CHARTS
    files = {"pictures": folder, "page": out / "report.html", "model_card": out / "model_card.md"}
    charts = {
        caption: save_figure(figure, folder, name)["svg"]
        for name, caption, figure in _charts(result, faces)
    }
    sheet = contact_sheet(faces, _chips(faces, labelled))
    files["faces"] = save_figure(sheet, out, "faces")["png"]
    facts = report_facts(result)
    page = Page(
        title=result.title,
        facts=facts,
        warnings=_warnings(result),
        populations=result.populations,
        groups=result.groups,
        threshold=result.threshold,
        comparisons=result.comparisons,
        stress=result.stress,
        charts=charts,
    )
    write_evaluation_page(page, files["page"])
    text = model_card(result.title, facts, result.populations, result.groups, result.threshold)
    write_text(files["model_card"], text)
    return files


def report_facts(result: EvaluateResult) -> dict[str, str]:
    """Origin of the metrics, by name."""
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
    training_images = result.training_images
    facts |= {
        "skipped": f"{counted(len(result.dropped), 'picture')}, {result.misses} of them because no "
        f"face was found; {counted(result.unpredicted, 'face')} without a prediction",
        "training images": "unknown" if training_images is None else str(training_images),
        "time of the predictions": f"{result.seconds:.1f} s",
        "command": result.command or "-",
        "versions": ", ".join(f"{name} {value}" for name, value in versions().items()),
    }
    return facts


def _charts(result: EvaluateResult, faces: LabelledPredictions) -> list[tuple[str, str, Figure]]:
    """File name, caption and figure of each chart."""
    groups = result.groups
    shown = [group for axis in CARD_AXES for group in groups.of_axis(axis)]
    decades = groups.of_axis("decade")
    charts = [
        ("age_density", "Predicted against true age", age_charts.age_density(faces)),
        ("error_by_age", "Error by age", age_charts.error_by_age(decades)),
        (
            "cumulative_score",
            "Cumulative score",
            age_charts.cumulative_scores(result.populations),
        ),
        (
            "reliability",
            "Reliability of probabilities",
            class_charts.reliability_diagram(faces),
        ),
        ("gender_matrix", "Confusion matrix of genders", confusion.gender_confusion(faces)),
        ("groups", "Groups", class_charts.group_forest(shown)),
        (
            "confusion_matrix",
            "Confusion matrix of the nine age ranges",
            confusion.range_confusion(faces),
        ),
    ]
    if (risk := age_charts.risk_and_coverage(faces)) is not None:
        charts.append(("risk_coverage", "Risk and coverage", risk))
    if (curve := result.threshold) is not None:
        caption = f"Passing or failing at {curve.age}"
        charts.append(("threshold", caption, class_charts.threshold_chart(curve)))
    if result.stress is not None:
        charts.append(("stress", "Robustness", robustness_charts(result.stress)))
    return charts


def _chips(faces: LabelledPredictions, labelled: LabelledFaces) -> dict[int, NDArray[np.uint8]]:
    """The chips of the contact sheet, by the index of the face."""
    chips = labelled.chips
    keys = zip(chips.sources, chips.names, strict=True)
    places = dict(zip(keys, chips.rows, strict=True))
    wanted = {int(index) for part in extreme_faces(faces) for index in part}
    return {
        index: resize_square(
            chips.pixels[places[faces.sources[index], faces.names[index]]], _CONTACT_SIZE
        )
        for index in wanted
    }


def _warnings(result: EvaluateResult) -> list[str]:
    warnings = [f"Allowed by the command: {warning}." for warning in result.warnings]
    if result.training_images:
        warnings.append(
            f"The weights were trained on {counted(result.training_images, 'picture')} of these."
        )
    if result.training_images is None:
        warnings.append("The training images of the weights are unknown.")
    if result.oracle_mae is not None:
        warnings.append(
            f"Given the true age range, the MAE would be {result.oracle_mae:.2f} years. Nobody "
            "knows the true range in practice, so that number carries no information."
        )
    return warnings
