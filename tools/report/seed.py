"""A trained seed system beside the shipped weights, with flip averaging in both."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import Block, markdown
from tools.report.evaluation import Data
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.request import EvaluateRequest
from utkage.evaluation.result import EvaluateResult
from utkage.models.locate import BEST_NAME
from utkage.models.weights_files import load_weights
from utkage.training.summary import read_epochs

PARTS = (
    ("gender model", "gender."),
    ("age-range model", "age_range."),
    ("age-estimation model", "age_estimation."),
)
# Label, field of the metrics, format.
ROWS = (
    ("gender, all ages", "gender_accuracy", "{:.3f}"),
    ("gender, 16 and older", "gender_accuracy_16plus", "{:.3f}"),
    ("age range, nine ranges", "range_accuracy", "{:.3f}"),
    ("**age MAE end to end, years**", "mae", "**{:.2f}**"),
    ("age MAE end to end, ages 21-60", "mae_21_60", "{:.2f}"),
    ("CS@5", "cs5", "{:.3f}"),
    ("oracle: always the median of the true range", "oracle_median_mae", "{:.2f}"),
    ("always the median age", "baseline_mae", "{:.2f}"),
)


def measure_seed(
    data: Data, run: Annotated[Path, typer.Option(help="run of train --system seed")]
) -> list[Block]:
    """Evaluate a trained seed system and the shipped weights on the same test split."""
    with tempfile.TemporaryDirectory() as folder:
        seed, shipped = (
            evaluate(EvaluateRequest(data=data, weights=weights, out=Path(folder)))
            for weights in (str(run), "shipped")
        )
    return [_results(run, seed, shipped)]


def _results(run: Path, seed: EvaluateResult, shipped: EvaluateResult) -> Block:
    """Both systems in one table, and how the seed system was trained."""
    rows = [
        (label, *(form.format(getattr(own.metrics, key)) for own in (seed, shipped)))
        for label, key, form in ROWS
    ]
    rows.append(("oracle: MAE with the true range fed in", f"{seed.oracle_mae:.2f}", "-"))
    weights = load_weights(run / BEST_NAME)
    card = weights.card
    sizes = ", ".join(
        f"{name} {sum(t.numel() for n, t in weights.state.items() if n.startswith(prefix)):,}"
        for name, prefix in PARTS
    )
    lineage = "\n".join(f"{number}. {step}" for number, step in enumerate(card.lineage, 1))
    text = (
        f"{markdown(('', 'seed system', 'shipped weights'), rows)}\n\n"
        f"Parameters: {sizes}. The shipped weights were trained on another split of more data, "
        f"with {shipped.training_images} of these {seed.metrics.n} pictures in it. Lineage of the "
        f"seed system:\n\n{lineage}"
    )
    config, epochs = card.training["config"], read_epochs(run)
    minutes = sum(row["seconds"] for row in epochs) / 60
    origin = (
        f"Test split of {card.data['source']} `{card.data['split_hash']}`, n = {seed.metrics.n}, "
        f"flip averaging in both. Last training of the seed system: {len(epochs)} of "
        f"{config['epochs']} epochs in {minutes:.0f} minutes, best by validation MAE: epoch "
        f"{card.metrics['val']['epoch']}; {config['size']} pixels, gender width "
        f"{config['gender_width']}"
    )
    return Block("seed.md", "results", text, origin)
