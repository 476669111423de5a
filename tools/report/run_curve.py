"""The learning curve of a run, with its data, command and duration."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.documents import DOCS, Block
from tools.report.page import ReportPage
from utkage.models.locate import BEST_NAME
from utkage.models.weights_files import read_card
from utkage.training.learning_curves import plot_learning_curves
from utkage.training.summary import read_epochs

# By document: the file of the chart.
CHARTS = {"training": "run_curve.png", "accuracy": "best_curve.png"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The run and the document."""
    parser.add_argument("run", type=Path, help="run folder of utkage train")
    parser.add_argument("--page", choices=CHARTS, default="training", help="the document")


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Draw the chart, and describe the run as its folder does."""
    rows = read_epochs(options.run)
    chart = DOCS / "images" / CHARTS[options.page]
    if not options.print:
        plot_learning_curves(rows, chart)
    card = read_card(options.run / BEST_NAME)
    best = min(rows, key=lambda row: float(row["val_mae"]))
    splits = card.data["splits"]
    minutes = sum(float(row["seconds"]) for row in rows) / 60
    origin = (
        f"`{card.training['command']}` on {card.data['source']}, split "
        f"`{card.data['split_hash']}` ({splits['train']} training faces, {splits['val']} "
        f"validation faces): {len(rows)} of {card.training['config']['epochs']} epochs in "
        f"{minutes:.0f} minutes on `{card.training['device']}`, started "
        f"{card.training['started'][:10]}; best epoch {best['epoch']}, validation MAE "
        f"{best['val_mae']:.2f} years"
    )
    text = f"![Loss, age error and accuracies over the epochs](images/{chart.name})"
    return {"curve": Block(text, origin)}


PAGE = ReportPage(
    name="run-curve",
    summary="draw the learning curve of a run of either system",
    document=lambda options: f"{options.page}.md",
    add_options=add_options,
    measure=measure,
)
