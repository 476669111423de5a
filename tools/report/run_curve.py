"""Put the learning curve of a real run, with what it was, into a page of docs.

    python tools/write_run_curve.py runs/first
    python tools/write_run_curve.py runs/best --page accuracy

Runs of either system; only what the run folder says of itself is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tools.docs.numbers import fill_page
from utkage.models.locate import BEST_NAME
from utkage.models.weights_files import read_card
from utkage.training.learning_curves import plot_learning_curves
from utkage.training.summary import read_epochs

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
# Pages that have such a picture, and what it is called.
PICTURES = {"training": "run_curve.png", "accuracy": "best_curve.png"}


def caption(run: Path, rows: list[dict[str, Any]], picture: str) -> str:
    """The picture, and what was trained on what, when and for how long."""
    card = read_card(run / BEST_NAME)
    best = min(rows, key=lambda row: float(row["val_mae"]))
    splits = card.data["splits"]
    minutes = sum(float(row["seconds"]) for row in rows) / 60
    return "\n".join(
        [
            f"![Loss, age error and accuracies over the epochs](images/{picture})",
            "",
            f"`{card.training['command']}` on {card.data['source']}, split "
            f"`{card.data['split_hash']}` ({splits['train']} faces to learn from, {splits['val']} "
            f"to validate): {len(rows)} of {card.training['config']['epochs']} epochs in "
            f"{minutes:.0f} minutes on `{card.training['device']}`, started "
            f"{card.training['started'][:10]}; best epoch {best['epoch']}, validation MAE "
            f"{best['val_mae']:.2f} years. Written by `tools/write_run_curve.py`.",
        ]
    )


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="run folder of utkage train")
    parser.add_argument("--page", choices=PICTURES, default="training", help="page of docs")
    arguments = parser.parse_args()
    run, picture = arguments.run, PICTURES[arguments.page]
    rows = read_epochs(run)
    plot_learning_curves(rows, DOCS / "images" / picture)
    fill_page(DOCS / f"{arguments.page}.md", "curve", caption(run, rows, picture))


if __name__ == "__main__":
    main()
