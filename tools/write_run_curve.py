"""Put the learning curve of a real run, with what it was, into docs/training.md.

    python tools/write_run_curve.py runs/first

Runs of either system; only what the run folder says of itself is written.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from write_numbers import fill_page

from utkage.engines.training.summary import METRICS_NAME
from utkage.models.locate import BEST_NAME
from utkage.models.weights import read_card
from utkage.plots.learning_curves import plot_learning_curves

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "training.md"
PICTURE = DOCS / "images" / "run_curve.png"


def caption(run: Path) -> str:
    """The picture, and what was trained on what, when and for how long."""
    rows = [json.loads(line) for line in (run / METRICS_NAME).read_text().splitlines()]
    card = read_card(run / BEST_NAME)
    best = min(rows, key=lambda row: float(row["val_mae"]))
    splits = card.data["splits"]
    minutes = sum(float(row["seconds"]) for row in rows) / 60
    return "\n".join(
        [
            f"![Loss, age error and accuracies over the epochs](images/{PICTURE.name})",
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
    run = parser.parse_args().run
    rows = [json.loads(line) for line in (run / METRICS_NAME).read_text().splitlines()]
    plot_learning_curves(rows, PICTURE)
    fill_page(PAGE, "curve", caption(run))


if __name__ == "__main__":
    main()
