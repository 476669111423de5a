"""What the documents say about the shipped weights, from the card inside the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tools.documents import markdown
from tools.release.ship import FLIPPED, GROUP_AXES
from utkage.core.toml_file import toml_lines
from utkage.evaluation.groups.group_metrics import CAVEAT, Group, GroupReport
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import METRICS, format_estimate
from utkage.evaluation.reports.card_texts import (
    ETHICS,
    FACTORS,
    INTENDED_USE,
    OUT_OF_SCOPE,
)
from utkage.evaluation.reports.tables import card_groups_table, groups_table, metrics_table
from utkage.models.card import Card
from utkage.models.card_facts import card_facts
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.reporting.table import markdown_table

# The table of docs/weights.md: label, keys in the card, format.
TEST_ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("faces", ("n",), "{}"),
    ("MAE, all ages", ("mae",), "{:.2f} years"),
    ("MAE, ages 21-60", ("mae_21_60",), "{:.2f} years"),
    ("CS@5 (error at most 5 years)", ("cs5",), "{:.1%}"),
    ("accuracy of nine age ranges", ("range_accuracy",), "{:.1%}"),
    ("gender accuracy, all ages", ("gender_accuracy",), "{:.1%}"),
    ("gender accuracy, 16 and older", ("gender_accuracy_16plus",), "{:.1%}"),
    ("faces of 21-60; of 16 and older", ("n_21_60", "n_16plus"), "{}; {}"),
    ("age inside its 80 % interval", ("interval_coverage",), "{:.1%}"),
    ("MAE of always predicting the median age", ("baseline_mae",), "{:.2f} years"),
)
# The table beside published metrics: heading, population, metric.
ACCURACY_COLUMNS = (
    ("MAE, all ages", "all", "mae"),
    ("MAE, 21-60", "21_60", "mae"),
    ("CS@5", "all", "cs5"),
    ("gender", "all", "gender_accuracy"),
)
MEASURED_BY = "on the stored file by `python -m tools.release ship`"


def metrics_block() -> str:
    """The main metrics on the test splits, one view and two views."""
    path = shipped_weights()
    card = read_card(path)
    columns = {
        f"{source}, {views}": card.metrics[f"{source} test{suffix}"]
        for source in card.sources
        for views, suffix in (("one view", ""), ("flip averaging", FLIPPED))
    }
    rows = [
        (label, *(form.format(*(found[key] for key in keys)) for found in columns.values()))
        for label, keys, form in TEST_ROWS
    ]
    data, splits = card.data, card.data["splits"]
    measured = next(iter(columns.values()))["measured"]
    return (
        f"{markdown(('on the test split of', *columns), rows)}\n\n"
        f"Data: {data['source']}, {sum(splits.values())} usable chips, split "
        f"`{data['split_hash']}` (train {splits['train']}, val {splits['val']}, "
        f"test {splits['test']}; seed {data['split']['seed']}). Weights: "
        f"{path.stat().st_size / 1e6:.1f} MB, `{card.training['command']}`, measured "
        f"{measured} {MEASURED_BY}."
    )


def range_tables() -> str:
    """Errors by age range on the test splits, with flip averaging."""
    card = read_card(shipped_weights())
    parts = []
    for source in card.sources:
        groups = _test_groups(card, source).of_axis("range")
        table = markdown_table(groups_table(groups, ("mae", "gender_accuracy")))
        parts.append(f"Test faces of {source}:\n\n{table}")
    return "\n\n".join(parts)


def accuracy_table() -> str:
    """The row of each source beside published metrics, with intervals."""
    card = read_card(shipped_weights())
    rows = []
    for source in card.sources:
        found = {own.name: own for own in _test_populations(card, source)}
        estimates = [
            format_estimate(found[population].metrics[key], METRICS[key].unit)
            for _, population, key in ACCURACY_COLUMNS
        ]
        rows.append((source, str(found["all"].n), *estimates))
    return markdown(("test faces of", "n", *(heading for heading, _, _ in ACCURACY_COLUMNS)), rows)


def use_block() -> str:
    """The sections that all model cards have."""
    sections = {
        "Intended use": INTENDED_USE,
        "Out of scope": _bullets(OUT_OF_SCOPE),
        "Factors": FACTORS,
        "Ethical considerations": ETHICS,
    }
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items())


def card_block() -> str:
    """The whole card."""
    path = shipped_weights()
    card = read_card(path)
    augmentation = toml_lines(card.training["augmentation"])
    settings = f"{toml_lines(card.training['config'])}\n[augmentation]\n{augmentation}"
    parts = [
        _bullets(f"**{name}:** {value}" for name, value in card_facts(card, path).items()),
        "## Lineage",
        "\n".join(f"{number}. {step}" for number, step in enumerate(card.lineage, 1)),
        f"## Terms\n\n{card.terms}",
        f"## Known failures\n\n{_bullets(card.limits)}",
        *([f"## Repeated\n\n{_bullets(card.repetitions)}"] if card.repetitions else []),
        "## Settings of the last training\n\n[training.md](training.md) says what they mean.",
        f"```toml\n{settings}```",
        *(_test_section(card, source) for source in card.sources),
    ]
    return "\n\n".join(parts)


def _test_section(card: Card, source: str) -> str:
    found = card.metrics[f"{source} test{FLIPPED}"]
    parts = [
        f"## On the test faces of {source}",
        f"{found['n']} faces, with flip averaging, measured {found['measured']} {MEASURED_BY}. In "
        "brackets: 95 % bootstrap intervals; duplicates are drawn together.",
        markdown_table(metrics_table(_test_populations(card, source))),
        CAVEAT,
        markdown_table(card_groups_table(_test_groups(card, source), GROUP_AXES)),
    ]
    return "\n\n".join(parts)


def _test_populations(card: Card, source: str) -> list[Population]:
    stored = card.metrics[f"{source} test{FLIPPED}"]["figures"]
    return [Population.from_dict(name, own["words"], own) for name, own in stored.items()]


def _test_groups(card: Card, source: str) -> GroupReport:
    stored: list[dict[str, Any]] = card.metrics[f"{source} test{FLIPPED}"]["groups"]
    return GroupReport(tuple(Group.from_dict(own) for own in stored), ())


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)
