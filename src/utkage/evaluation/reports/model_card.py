"""``model_card.md`` of a report: Markdown with the metadata that a model hub reads."""

from __future__ import annotations

from utkage.core.text import printable
from utkage.evaluation.groups.group_metrics import CAVEAT
from utkage.evaluation.metrics.registry import METRICS
from utkage.evaluation.reports import tables
from utkage.evaluation.reports.card_texts import (
    ETHICS,
    FACTORS,
    INTENDED_USE,
    KINDS,
    METRICS_TEXT,
    OUT_OF_SCOPE,
)
from utkage.evaluation.reports.challenge import challenge_table
from utkage.evaluation.reports.report_page import Page
from utkage.evaluation.reports.side_by_side import side_by_side_table
from utkage.evaluation.result import EvaluateResult
from utkage.reporting.hub_metadata import HubResult, front_matter
from utkage.reporting.table import Table, markdown_table

# Facts of the report that describe the faces; the others describe the model.
_OF_THE_FACES = ("data", "split", "skipped", "training images")


def metadata(result: EvaluateResult) -> str:
    """The metadata of a model hub, with the metrics of this evaluation; none for a table."""
    if result.card is None:
        return ""
    everyone = result.populations[0].metrics
    found = {key: everyone[key].value for key in KINDS if key in everyone}
    split = "" if result.split is None else f" {result.split}"
    names = ", ".join(path.name for path in (result.data, *result.further_data) if path.name)
    measured = HubResult(
        f"{names or 'faces'}{split}",
        {METRICS[key].heading: value for key, value in found.items() if value is not None},
        {METRICS[key].heading: kind for key, kind in KINDS.items()},
    )
    results = [measured] if measured.metrics else []
    return front_matter(result.weights.stem, result.card.sources, results)


def model_card(page: Page, head: str = "") -> str:
    """The main metrics of the page as Markdown, below the metadata ``head``."""
    of_faces = {name: page.facts[name] for name in _OF_THE_FACES if name in page.facts}
    of_model = {name: value for name, value in page.facts.items() if name not in of_faces}
    parts = [
        f"# {page.title}",
        f"## Model details\n\n{_bullets(of_model)}",
        f"## Intended use\n\n{INTENDED_USE}",
        "Out of scope:",
        "\n".join(f"* {use}" for use in OUT_OF_SCOPE),
        f"## Factors\n\n{FACTORS}",
        f"## Metrics\n\n{METRICS_TEXT}",
        f"## Evaluation data\n\n{_bullets(of_faces)}",
        "## Training data\n\nAs the card of the weights says (`utkage info`), if they have one.",
        "## Quantitative analyses\n\nIn brackets: 95 % bootstrap intervals.",
        markdown_table(tables.metrics_table(page.populations)),
        *([] if page.persons is None else _titled(tables.persons_table(page.persons))),
        "### By group",
        CAVEAT,
        markdown_table(tables.card_groups_table(page.groups)),
        *([] if page.side_by_side is None else _titled(side_by_side_table(page.side_by_side))),
        *_decisions(page),
        f"## Ethical considerations\n\n{ETHICS}",
        "## Caveats and recommendations",
        "The weights inherit the terms of their training data. Metrics on other faces differ: "
        "measure on faces like those that the model will meet.",
        "\n".join(f"* {warning}" for warning in page.warnings),
    ]
    # Names of sources and files are no HTML, which Markdown would pass on.
    text = "\n\n".join(part for part in parts if part).replace("<", "&lt;")
    return f"{head}\n\n{text}\n".lstrip("\n")


def _decisions(page: Page) -> list[str]:
    """The sections about passing or failing at an age."""
    parts: list[str] = []
    if page.threshold is not None:
        parts += [
            f"### Passing or failing at {page.threshold.age}",
            markdown_table(tables.threshold_bands_table(page.threshold)),
            markdown_table(tables.threshold_table(page.threshold)),
        ]
    if page.guarantee is not None:
        parts += _titled(tables.guarantee_table(page.guarantee))
    if page.challenge is not None:
        parts += _titled(challenge_table(page.challenge, (), years=False))
    return parts


def _titled(table: Table) -> list[str]:
    """A table below its title and above its note."""
    title = [f"### {table.title[0].upper()}{table.title[1:]}"] if table.title else []
    return [*title, markdown_table(table), *([table.note] if table.note else [])]


def _bullets(facts: dict[str, str]) -> str:
    return "\n".join(f"* {name}: {printable(value)}" for name, value in facts.items())
