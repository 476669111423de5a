"""Fill ``docs/seed.md`` with what a trained seed system reaches beside the shipped weights.

    python tools/write_seed_numbers.py DATA RUN [--feeds RUN ...]

``DATA`` is a prepared set of UTKFace, ``RUN`` a run of ``train --system seed`` on it, ``--feeds``
runs that differ in ``range_feed`` alone. Both systems are scored on the test split of ``DATA``
with flip averaging; feeds are compared on its validation split.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
from pathlib import Path
from typing import Any

from tools.docs.numbers import filled
from utkage.core.files import write_text
from utkage.evaluation.evaluate import EvaluateRequest, evaluate
from utkage.evaluation.result import EvaluateResult
from utkage.models.locate import BEST_NAME
from utkage.models.weights_files import load_weights
from utkage.training.summary import read_epochs

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "seed.md"
PARTS = (
    ("gender model", "gender."),
    ("age-range model", "age_range."),
    ("age-estimation model", "age_estimation."),
)


def scored(data: Path, weights: str, folder: Path) -> EvaluateResult:
    """One system on the test split."""
    return evaluate(EvaluateRequest(data=data, weights=weights, out=folder))


def results(data: Path, run: Path) -> str:
    """The seed system beside the shipped weights."""
    with tempfile.TemporaryDirectory() as name:
        seed = scored(data, str(run), Path(name) / "seed")
        shipped = scored(data, "shipped", Path(name) / "shipped")
    left, right = seed.metrics, shipped.metrics
    rows = [
        ("gender, all ages", f"{left.gender_accuracy:.3f}", f"{right.gender_accuracy:.3f}"),
        (
            "gender, 16 and older",
            f"{left.gender_accuracy_16plus:.3f}",
            f"{right.gender_accuracy_16plus:.3f}",
        ),
        ("age range, nine ranges", f"{left.range_accuracy:.3f}", f"{right.range_accuracy:.3f}"),
        ("**age MAE end to end, years**", f"**{left.mae:.2f}**", f"**{right.mae:.2f}**"),
        ("age MAE end to end, ages 21-60", f"{left.mae_21_60:.2f}", f"{right.mae_21_60:.2f}"),
        ("CS@5", f"{left.cs5:.3f}", f"{right.cs5:.3f}"),
        ("oracle: MAE with the true range fed in", f"{seed.oracle_mae:.2f}", "-"),
        (
            "oracle: always the median of the true range",
            f"{left.oracle_median_mae:.2f}",
            f"{right.oracle_median_mae:.2f}",
        ),
        ("always the median age", f"{left.baseline_mae:.2f}", f"{right.baseline_mae:.2f}"),
    ]
    lines = ["| | seed system | shipped weights |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    weights = load_weights(run / BEST_NAME)
    card = weights.card
    sizes = ", ".join(
        f"{name} {sum(t.numel() for n, t in weights.state.items() if n.startswith(prefix)):,}"
        for name, prefix in PARTS
    )
    config = card.training["config"]
    epochs = read_epochs(run)
    minutes = sum(row["seconds"] for row in epochs) / 60
    lines += [
        "",
        f"Test split of {card.data['source']} `{card.data['split_hash']}`, n = {left.n}, flip "
        f"averaging in both. Seed system, last training: {len(epochs)} epochs run of "
        f"{config['epochs']}, best by validation MAE: epoch {card.metrics['val']['epoch']}; "
        f"{config['size']} pixels, gender width {config['gender_width']}; {minutes:.0f} minutes on "
        "two shared cores. The shipped weights were trained on another split of more data, with "
        f"{shipped.training_images} of these {left.n} pictures in it. Parameters: {sizes}. "
        f"Measured {datetime.date.today()} by `tools/write_seed_numbers.py`. The weights came "
        "about so:",
        "",
        *(f"{number}. {step}" for number, step in enumerate(card.lineage, 1)),
    ]
    return "\n".join(lines)


def feeds(runs: list[Path]) -> str:
    """What each way of feeding ranges in training reaches on validation data."""
    lines = [
        "| fed in training | epochs | MAE end to end | MAE with the true range | range accuracy |",
        "|---|---|---|---|---|",
    ]
    config: dict[str, Any] = {}
    n = 0
    for run in runs:
        rows = read_epochs(run)
        best = min(rows, key=lambda row: float(row["val_mae"]))
        card = load_weights(run / BEST_NAME).card
        config, n = card.training["config"], card.data["splits"]["val"]
        lines.append(
            f"| {config['range_feed']} | {len(rows)} | {best['val_mae']:.2f} | "
            f"{best['val_oracle_mae']:.2f} | {best['val_range_accuracy']:.3f} |"
        )
    lines += [
        "",
        f"Validation split, n = {n}, best epoch of each; {config['size']} pixels, batch "
        f"{config['batch_size']}, seed {config['seed']}, one run each.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Score and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--feeds", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    page = filled(PAGE.read_text(), "results", results(arguments.data, arguments.run))
    if arguments.feeds:
        page = filled(page, "feeds", feeds(arguments.feeds))
    write_text(PAGE, page)


if __name__ == "__main__":
    main()
