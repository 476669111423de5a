"""Fill docs/model-card.md and docs/accuracy.md from the card inside the shipped weights, or check.

python tools/write_model_card.py [--check]

Filled is what lies between the marks ``<!-- card -->`` and ``<!-- ours -->``; the rest, the log of
looks at the test split among it, is kept by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tools.docs.numbers import filled
from tools.release.ship import FLIPPED, GROUP_AXES
from utkage.core.files import file_hash, write_text
from utkage.core.toml_file import toml_lines
from utkage.evaluation.groups import CAVEAT, Group, GroupReport
from utkage.evaluation.metrics import METRICS, format_estimate
from utkage.evaluation.populations import Population
from utkage.evaluation.reports.tables import card_groups_table, metrics_table
from utkage.models.card import Card
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.reporting.markdown import markdown_table

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
# Columns of the table beside published figures: population, figure.
OURS = (("all", "mae"), ("21_60", "mae"), ("all", "cs5"), ("all", "gender_accuracy"))


def main() -> int:
    """Write the pages, or with ``--check`` fail when one is stale."""
    path = shipped_weights()
    card = read_card(path)
    pages = {"model-card.md": ("card", rendered(card, path)), "accuracy.md": ("ours", ours(card))}
    for name, (mark, content) in pages.items():
        text = (DOCS / name).read_text(encoding="utf-8")
        fresh = filled(text, mark, content)
        if "--check" not in sys.argv[1:]:
            write_text(DOCS / name, fresh)
        elif fresh != text:
            print(f"{DOCS / name} is stale; run: make docs", file=sys.stderr)
            return 1
    return 0


def ours(card: Card) -> str:
    """The row of each source, with intervals."""
    heads = ("MAE, all ages", "MAE, 21-60", "CS@5", "gender")
    lines = [f"| test faces of | n | {' | '.join(heads)} |", "|---" * (2 + len(heads)) + "|"]
    for source in card.data["source"].split("+"):
        found = _populations(card.metrics[f"{source} test{FLIPPED}"])
        cells = [format_estimate(found[name].metrics[key], METRICS[key].unit) for name, key in OURS]
        lines.append(f"| {source} | {found['all'].n} | {' | '.join(cells)} |")
    return "\n".join(lines)


def rendered(card: Card, path: Path) -> str:
    """The card as Markdown."""
    contract, data = card.contract, card.data
    splits = ", ".join(f"{name} {n}" for name, n in data["splits"].items())
    split = ", ".join(
        f"{name} {value}" for name, value in data["split"].items() if value is not None
    )
    facts = {
        "File": f"`{path.name}`, {path.stat().st_size / 1e6:.2f} MB, float16 safetensors, SHA-256 "
        f"`{file_hash(path)}...`",
        "Network": f"{card.backbone}; age as a distribution over years ({card.age_head}), answered "
        f"by its {card.point_estimate}; P(female)",
        "Takes": f"aligned faces of {contract.size} x {contract.size} pixels, "
        f"{contract.colour}; `utkage info` prints the template",
        "Data": f"{data['source']}, split `{data['split_hash']}` ({splits}; {split})",
        "Trained by": f"`{card.training['command']}`, begun {card.training['started']}, on "
        f"{card.training['device']}",
        "Calibration": _calibration(card),
        "Versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
    }
    parts = [
        "\n".join(f"* **{name}:** {value}" for name, value in facts.items()),
        "## Lineage\n\n" + "\n".join(f"{i}. {step}" for i, step in enumerate(card.lineage, 1)),
        f"## Terms\n\n{card.terms}",
        "## Known failures\n\n" + "\n".join(f"* {limit}" for limit in card.limits),
        *_repetitions(card),
        "## Settings of the last training\n\n[training.md](training.md) says what they mean.\n\n"
        f"```toml\n{_settings(card)}```",
    ]
    for source in data["source"].split("+"):
        parts.append(_measured(source, card.metrics[f"{source} test{FLIPPED}"]))
    return "\n\n".join(parts)


def _repetitions(card: Card) -> list[str]:
    if not card.repetitions:
        return []
    return ["## Repeated\n\n" + "\n".join(f"* {said}" for said in card.repetitions)]


def _measured(source: str, metrics: dict[str, Any]) -> str:
    groups = GroupReport(tuple(Group.from_dict(stored) for stored in metrics["groups"]), ())
    return "\n\n".join(
        [
            f"## On the test faces of {source}",
            f"{metrics['n']} faces, with flip averaging, measured {metrics['measured']} on the "
            "stored file by `tools/ship_weights.py`. In brackets: 95 % bootstrap intervals, groups "
            "of copies drawn together.",
            markdown_table(metrics_table(tuple(_populations(metrics).values()))),
            CAVEAT,
            markdown_table(card_groups_table(groups, GROUP_AXES)),
        ]
    )


def _populations(metrics: dict[str, Any]) -> dict[str, Population]:
    return {
        name: Population.from_dict(name, stored["words"], stored)
        for name, stored in metrics["figures"].items()
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


def _settings(card: Card) -> str:
    augmentation = toml_lines(card.training["augmentation"])
    return f"{toml_lines(card.training['config'])}\n[augmentation]\n{augmentation}"


if __name__ == "__main__":
    sys.exit(main())
