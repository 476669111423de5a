"""A trained seed system beside the shipped weights, with flip averaging in both."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tools.documents import Block, markdown
from tools.report.page import ReportPage
from utkage.evaluation.evaluate import EvaluateRequest, evaluate
from utkage.evaluation.result import EvaluateResult
from utkage.models.locate import BEST_NAME
from utkage.models.weights_files import load_weights, read_card
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """The prepared set and the runs."""
    parser.add_argument("--data", type=Path, required=True, help="prepared set of UTKFace")
    parser.add_argument("--run", type=Path, required=True, help="run of train --system seed")
    parser.add_argument(
        "--feeds",
        type=Path,
        nargs="*",
        default=[],
        help="runs that differ in range_feed alone, compared on the validation split",
    )


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Evaluate both on the test split."""
    with tempfile.TemporaryDirectory() as folder:
        seed, shipped = (
            evaluate(EvaluateRequest(data=options.data, weights=weights, out=Path(folder)))
            for weights in (str(options.run), "shipped")
        )
    blocks = {"results": results(options.run, seed, shipped)}
    if options.feeds:
        blocks["feeds"] = feeds(options.feeds)
    return blocks


def results(run: Path, seed: EvaluateResult, shipped: EvaluateResult) -> Block:
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
    return Block(text, origin)


def feeds(runs: list[Path]) -> Block:
    """What each way of feeding age ranges in training reaches on validation faces."""
    rows = []
    config: dict[str, Any] = {}
    n = 0
    for run in runs:
        epochs = read_epochs(run)
        best = min(epochs, key=lambda row: float(row["val_mae"]))
        card = read_card(run / BEST_NAME)
        config, n = card.training["config"], card.data["splits"]["val"]
        mae, oracle = f"{best['val_mae']:.2f}", f"{best['val_oracle_mae']:.2f}"
        accuracy = f"{best['val_range_accuracy']:.3f}"
        rows.append((config["range_feed"], str(len(epochs)), mae, oracle, accuracy))
    columns = ("fed in training", "epochs", "MAE end to end", "MAE with the true range")
    origin = (
        f"Validation split, n = {n}, best epoch of each, one run each; {config['size']} pixels, "
        f"batch {config['batch_size']}, seed {config['seed']}"
    )
    return Block(markdown((*columns, "range accuracy"), rows), origin)


PAGE = ReportPage(
    name="seed",
    summary="evaluate a trained seed system and the shipped weights on the same test split",
    document="seed.md",
    add_options=add_options,
    measure=measure,
)
