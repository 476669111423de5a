"""The learning curve of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tools.documents import DOCS, Block
from utkage.models.locate import BEST_NAME
from utkage.models.weights_files import read_card
from utkage.training.charts import plot_learning_curves
from utkage.training.summary import best_epoch, read_epochs

# By document: the file of the chart.
CHARTS = {"training": "run_curve.png", "accuracy": "best_curve.png"}


def measure_curve(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="run folder of utkage train")],
    page: Annotated[Literal["training", "accuracy"], typer.Option(help="document")] = "training",
) -> list[Block]:
    """Draw the learning curve of a run of either system, with its data, command and duration."""
    rows = read_epochs(run)
    chart = DOCS / "images" / CHARTS[page]
    card = read_card(run / BEST_NAME)
    select_by = card.training["config"].get("select_by", "mae")
    best = best_epoch(rows, select_by)
    if not context.find_root().params["print_only"]:
        plot_learning_curves(rows, chart, select_by)
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
    return [Block(f"{page}.md", "curve", text, origin)]
