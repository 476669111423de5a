"""What the documents say about the shipped weights, from the card inside the file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.documents import markdown
from tools.release.ship import FLIPPED, GROUP_AXES
from utkage.core.files import file_hash
from utkage.core.toml_file import toml_lines
from utkage.evaluation.groups.group_metrics import CAVEAT, Group, GroupReport
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import METRICS, format_estimate
from utkage.evaluation.reports.tables import card_groups_table, groups_table, metrics_table
from utkage.models.card import Card
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
        for source in _sources(card)
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
    for source in _sources(card):
        groups = _test_groups(card, source).of_axis("range")
        table = markdown_table(groups_table(groups, ("mae", "gender_accuracy")))
        parts.append(f"Test faces of {source}:\n\n{table}")
    return "\n\n".join(parts)


def accuracy_table() -> str:
    """The row of each source beside published metrics, with intervals."""
    card = read_card(shipped_weights())
    rows = []
    for source in _sources(card):
        found = {own.name: own for own in _test_populations(card, source)}
        estimates = [
            format_estimate(found[population].metrics[key], METRICS[key].unit)
            for _, population, key in ACCURACY_COLUMNS
        ]
        rows.append((source, str(found["all"].n), *estimates))
    return markdown(("test faces of", "n", *(heading for heading, _, _ in ACCURACY_COLUMNS)), rows)


def card_block() -> str:
    """The whole card."""
    path = shipped_weights()
    card = read_card(path)
    augmentation = toml_lines(card.training["augmentation"])
    settings = f"{toml_lines(card.training['config'])}\n[augmentation]\n{augmentation}"
    parts = [
        _bullets(f"**{name}:** {value}" for name, value in _facts(card, path).items()),
        "## Lineage",
        "\n".join(f"{number}. {step}" for number, step in enumerate(card.lineage, 1)),
        f"## Terms\n\n{card.terms}",
        f"## Known failures\n\n{_bullets(card.limits)}",
        *([f"## Repeated\n\n{_bullets(card.repetitions)}"] if card.repetitions else []),
        "## Settings of the last training\n\n[training.md](training.md) says what they mean.",
        f"```toml\n{settings}```",
        *(_test_section(card, source) for source in _sources(card)),
    ]
    return "\n\n".join(parts)


def _facts(card: Card, path: Path) -> dict[str, str]:
    contract, data = card.contract, card.data
    splits = ", ".join(f"{name} {n}" for name, n in data["splits"].items())
    split = ", ".join(f"{name} {v}" for name, v in data["split"].items() if v is not None)
    return {
        "File": f"`{path.name}`, {path.stat().st_size / 1e6:.2f} MB, float16 safetensors, SHA-256 "
        f"`{file_hash(path)}...`",
        "Network": f"{card.backbone}; age as a distribution over years ({card.age_head}), of which "
        f"the {card.point_estimate} is predicted; P(female)",
        "Input": f"aligned faces of {contract.size} x {contract.size} pixels, "
        f"{contract.colour}; `utkage info` prints the template",
        "Data": f"{data['source']}, split `{data['split_hash']}` ({splits}; {split})",
        "Trained by": f"`{card.training['command']}`, started {card.training['started']}, on "
        f"{card.training['device']}",
        "Calibration": _calibration(card),
        "Versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
    }


def _calibration(card: Card) -> str:
    fitted = card.calibration
    if fitted is None:
        return "none"
    return (
        f"temperatures {fitted.gender_temperature:.2f} (gender) and {fitted.range_temperature:.2f} "
        f"(ranges), conformal age intervals in {len(fitted.bands)} bands of predicted age, fitted "
        f"to {fitted.fitted_on['n']} faces, {fitted.fitted_on['split']}"
    )


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


def _sources(card: Card) -> list[str]:
    sources: str = card.data["source"]
    return sources.split("+")


def _test_populations(card: Card, source: str) -> list[Population]:
    stored = card.metrics[f"{source} test{FLIPPED}"]["figures"]
    return [Population.from_dict(name, own["words"], own) for name, own in stored.items()]


def _test_groups(card: Card, source: str) -> GroupReport:
    stored: list[dict[str, Any]] = card.metrics[f"{source} test{FLIPPED}"]["groups"]
    return GroupReport(tuple(Group.from_dict(own) for own in stored), ())


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)
