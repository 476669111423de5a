"""The model card of a weights file as Markdown, with the metadata that a model hub reads.

Its sections are those of Mitchell et al. 2019, *Model Cards for Model Reporting*, FAT*.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from utkage.core.text import printable
from utkage.evaluation.metrics.registry import METRICS, format_value
from utkage.evaluation.reports.card_texts import (
    ETHICS,
    FACTORS,
    INTENDED_USE,
    KINDS,
    METRICS_TEXT,
    OUT_OF_SCOPE,
)
from utkage.models.card import Card
from utkage.models.card_facts import card_facts
from utkage.reporting.hub_metadata import HubResult, front_matter
from utkage.reporting.table import Table, markdown_table


def hub_card(card: Card, path: Path, name: str, base_model: str | None = None) -> str:
    """The card of the weights at ``path``; ``name`` is the title.

    ``base_model`` is the hub's identifier of the initial weights, if they are on the hub.
    """
    found = _by_split(card)
    results = [
        HubResult(
            split,
            {METRICS[key].heading: known[key] for key in known},
            {METRICS[key].heading: kind for key, kind in KINDS.items()},
        )
        for split, values in found.items()
        if (known := _known(values))
    ]
    facts = card_facts(card, path)
    of_training = ("Data", "Trained by")
    training = {name: fact for name, fact in facts.items() if name in of_training}
    of_model = {name: fact for name, fact in facts.items() if name not in of_training}
    parts = [
        front_matter(name, card.sources, results, base_model),
        f"# {_safe(name)}",
        "Age and gender from faces, for [utkage](#how-to-use-it).",
        f"## Model details\n\n{_bullets(_named(of_model))}",
        f"## How to use it\n\n{_usage(path)}",
        f"## Intended use\n\n{INTENDED_USE}\n\nOut of scope:\n\n{_bullets(OUT_OF_SCOPE)}",
        f"## Factors\n\n{FACTORS}",
        f"## Metrics\n\n{METRICS_TEXT}",
        f"## Evaluation data\n\n{_evaluation_data(found)}",
        f"## Training data\n\n{_bullets(_named(training)) or 'None is recorded.'}",
        f"## Quantitative analyses\n\n{_metrics(found)}",
        f"## Ethical considerations\n\n{ETHICS}",
        f"## Caveats and recommendations\n\n{_bullets(card.limits) or 'None are recorded.'}",
        "## Lineage\n\n"
        + ("\n".join(f"{n}. {_safe(step)}" for n, step in enumerate(card.lineage, 1)) or "None."),
        f"## Terms\n\n{_safe(card.terms)}",
    ]
    return "\n\n".join(parts) + "\n"


def _usage(path: Path) -> str:
    return f"""\
```python
from utkage import Predictor, PredictSettings

predictor = Predictor(PredictSettings(weights="{path.name}"))
for face in predictor.predict("photo.jpg"):
    print(face.age, face.age_low, face.age_high, face.gender, face.p_female)
```

On the command line: `utkage predict photo.jpg --weights {path.name}`."""


def _by_split(card: Card) -> dict[str, dict[str, Any]]:
    """The metrics of test faces by the name of their split; of validation if there are no others.

    Names are those of the card, such as ``"UTKFace test (flip averaging)"``.
    """
    tests = {name: found for name, found in card.metrics.items() if "test" in name.split()}
    return tests or dict(card.metrics)


def _known(values: dict[str, Any]) -> dict[str, float]:
    """The metrics of the table; of a training on one kind of labels, the others are None."""
    return {key: values[key] for key in KINDS if values.get(key) is not None}


def _evaluation_data(found: dict[str, dict[str, Any]]) -> str:
    if not found:
        return "None is recorded."
    return _bullets(
        f"{name}: {values.get('n', 'unknown number of')} faces" for name, values in found.items()
    )


def _metrics(found: dict[str, dict[str, Any]]) -> str:
    if not found:
        return "None are recorded."
    keys = [key for key in KINDS if any(key in _known(values) for values in found.values())]
    rows = [
        (
            name,
            str(values.get("n", "")),
            *(
                format_value(values[key], METRICS[key].unit) if key in _known(values) else ""
                for key in keys
            ),
        )
        for name, values in found.items()
    ]
    return markdown_table(
        Table.of("", ("faces", "n", *(METRICS[key].heading for key in keys)), rows)
    )


def _named(facts: dict[str, str]) -> list[str]:
    return [f"{name}: {fact}" for name, fact in facts.items()]


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {_safe(line)}" for line in lines)


def _safe(text: str) -> str:
    """Text of a card on one line, without HTML, which Markdown would pass on."""
    return printable(text).replace("<", "&lt;")
