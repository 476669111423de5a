"""``evaluate --report``: every chart, the page, and Markdown for a model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.files import file_hash, write_text
from utkage.core.text import counted
from utkage.core.versions import versions
from utkage.evaluation.groups.group_metrics import CAVEAT, SMALL
from utkage.evaluation.inputs.labelled_faces import LabelledFaces
from utkage.evaluation.inputs.labelled_predictions import AGE, GENDER, LabelledPredictions
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import METRICS, format_value
from utkage.evaluation.reports import charts, tables
from utkage.evaluation.reports.challenge import challenge_chart, challenge_table
from utkage.evaluation.reports.losses import losses_chart, losses_table
from utkage.evaluation.reports.model_card import metadata, model_card
from utkage.evaluation.reports.report_outputs import CHARTS, FACES, MODEL_CARD, PAGE
from utkage.evaluation.reports.report_page import Page
from utkage.evaluation.reports.side_by_side import side_by_side_table
from utkage.evaluation.reports.summary import summarise
from utkage.evaluation.result import EvaluateResult
from utkage.images.resize import resize_square
from utkage.reporting.figure_files import save_figure
from utkage.reporting.page import picture_uri, render_page
from utkage.reporting.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CONTACT_SIZE = 120
TILES = ("mae", "cs5", "range_accuracy", "gender_accuracy", "coverage_80")


def write_report(
    result: EvaluateResult, faces: LabelledPredictions, labelled: LabelledFaces, out: Path
) -> dict[str, Path]:
    """Draw and write everything below ``out``; return the files by kind."""
    folder = out / CHARTS
    files = {"pictures": folder, "page": out / PAGE, "model_card": out / MODEL_CARD}
    page = Page(
        title=result.title,
        facts=report_facts(result),
        warnings=_warnings(result),
        populations=result.populations,
        persons=result.persons,
        groups=result.groups,
        threshold=result.threshold,
        guarantee=result.guarantee,
        challenge=result.challenge,
        side_by_side=result.side_by_side,
        comparisons=result.comparisons,
        stress=result.stress,
        charts={
            caption: save_figure(figure, folder, name)["svg"]
            for name, caption, figure in _charts(result, faces)
        },
    )
    write_text(files["page"], render_evaluation_page(page))
    write_text(files["model_card"], model_card(page, metadata(result)))
    if extreme := _extreme_chips(faces, labelled):
        sheet = charts.contact_sheet(faces, extreme)
        files["faces"] = save_figure(sheet, out, FACES)["png"]
    return files


def report_facts(result: EvaluateResult) -> dict[str, str]:
    """Origin of the metrics, by name."""
    facts = {
        "data": result.data_text,
        "split": "-" if result.split is None else f"{result.split} of {result.split_hash}",
        "weights": f"{result.weights.name}, SHA-256 {file_hash(result.weights)}...",
    }
    if (card := result.card) is not None:
        calibration, contract = "none", card.contract
        if card.calibration is not None:
            fitted_on = card.calibration.fitted_on
            faces = f"{fitted_on.get('n')} faces of {fitted_on.get('split')}"
            calibration = f"{faces} ({fitted_on.get('date')})"
        landmarks = ", ".join(f"({x:.1f}, {y:.1f})" for x, y in contract.template)
        facts |= {
            "model": f"{card.system}, {card.backbone}, point estimate: {card.point_estimate}",
            "calibration": calibration,
            "crop contract": f"{contract.size} x {contract.size} RGB, landmarks at {landmarks}",
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
    axes = dict.fromkeys((*tables.CARD_AXES, *groups.chosen))
    shown = [group for axis in axes for group in groups.of_axis(axis)]
    has_ages, has_genders = (len(faces.with_label(label)) > 0 for label in (AGE, GENDER))
    found: list[tuple[str, str, Figure]] = []
    if has_ages:
        decades = groups.of_axis("decade")
        found.append(("age_density", "Predicted against true age", charts.age_density(faces)))
        found.append(("error_by_age", "Error by age", charts.error_by_age(decades)))
        scores = charts.cumulative_scores(result.populations)
        found.append(("cumulative_score", "Cumulative score", scores))
    if (reliability := charts.reliability_diagram(faces)) is not None:
        found.append(("reliability", "Reliability of probabilities", reliability))
    if has_genders:
        matrix = charts.gender_confusion(faces)
        found.append(("gender_matrix", "Confusion matrix of genders", matrix))
    found.append(("groups", "Groups", charts.group_forest(shown)))
    if has_ages:
        ranges = charts.range_confusion(faces)
        found.append(("confusion_matrix", "Confusion matrix of the nine age ranges", ranges))
    if (risk := charts.risk_and_coverage(faces)) is not None:
        found.append(("risk_coverage", "Risk and coverage", risk))
    if (curve := result.threshold) is not None:
        caption = f"Passing or failing at {curve.age}"
        found.append(("threshold", caption, charts.threshold_chart(curve)))
    if (challenge := result.challenge) is not None:
        caption = f"Who passes at {challenge.age} by true age"
        if (figure := challenge_chart(challenge)) is not None:
            found.append(("challenge", caption, figure))
    if result.stress is not None:
        found.append(("stress", "Robustness", charts.robustness_charts(result.stress)))
        if result.stress.groups:
            caption = "Who loses most when pictures get worse"
            found.append(("stress_groups", caption, losses_chart(result.stress)))
    return found


def _extreme_chips(
    faces: LabelledPredictions, labelled: LabelledFaces
) -> dict[int, NDArray[np.uint8]]:
    """The chips of the contact sheet, by the index of the face."""
    chips = labelled.chips
    rows = dict(zip(zip(chips.sources, chips.names, strict=True), chips.rows, strict=True))
    found = {}
    for index in np.concatenate(charts.extreme_faces(faces)):
        chip = chips.pixels[rows[faces.sources[index], faces.names[index]]]
        found[int(index)] = resize_square(chip, _CONTACT_SIZE)
    return found


def _warnings(result: EvaluateResult) -> list[str]:
    warnings = [f"Allowed by the command: {warning}." for warning in result.warnings]
    if result.training_images is None:
        warnings.append("The training images of the weights are unknown.")
    elif result.training_images:
        count = counted(result.training_images, "picture")
        warnings.append(f"The weights were trained on {count} of these.")
    if result.oracle_mae is not None:
        warnings.append(
            f"Given the true age range, the MAE would be {result.oracle_mae:.2f} years. Nobody "
            "knows the true range in practice, so that number carries no information."
        )
    return warnings


def render_evaluation_page(page: Page) -> str:
    """The page as HTML."""
    curve, stress = page.threshold, page.stress
    return render_page(
        "evaluation.html.j2",
        page=page,
        summary=summarise(page.populations[0], page.groups, curve, stress),
        tiles=_tiles(page.populations[0]),
        charts={caption: picture_uri(path) for caption, path in page.charts.items()},
        metrics=tables.metrics_table(page.populations),
        persons=None if page.persons is None else tables.persons_table(page.persons),
        worst=tables.worst_table(page.groups),
        gaps=tables.gaps_table(page.groups),
        caveat=CAVEAT,
        groups=tables.groups_table(page.groups.groups),
        small=SMALL,
        threshold=None if curve is None else tables.threshold_table(curve),
        bands=None if curve is None else tables.threshold_bands_table(curve),
        guarantee=None if page.guarantee is None else tables.guarantee_table(page.guarantee),
        challenge=None if page.challenge is None else challenge_table(page.challenge),
        side_by_side=None if page.side_by_side is None else side_by_side_table(page.side_by_side),
        comparisons=[
            (f"{found.first} and {found.second}", tables.comparison_tables([found]))
            for found in page.comparisons
        ],
        robustness=None if stress is None else tables.robustness_table(stress),
        losses=None if stress is None else losses_table(stress),
        facts=Table.of("", ("", ""), page.facts.items()),
    )


def _tiles(everyone: Population) -> list[tuple[str, str, str]]:
    """Label, value and interval of each tile, as text."""
    tiles = []
    for name in TILES:
        if (found := everyone.metrics.get(name)) is None:
            continue
        metric = METRICS[name]
        ends = (found.value, found.low, found.high)
        value, low, high = (format_value(end, metric.unit) for end in ends)
        tiles.append((metric.heading, value, "" if found.low is None else f"{low} to {high}"))
    return tiles
