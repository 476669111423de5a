"""Fit the classifier of the quality flags covered and unusual, and measure wider intervals.

Run `python -m tools.report covered` afterwards: it measures precision and recall.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tools.program import new_app, run_app
from tools.quality.fit import fit_appearance
from tools.quality.wider import measure_wider
from utkage.data.store import ChipStore
from utkage.faces import face_appearance
from utkage.prediction import wider_intervals

app = new_app(__doc__)
SHIPPED = Path(str(files("utkage") / "shipped"))
Data = Annotated[Path, typer.Option(help="the prepared set of the shipped weights")]


@app.command()
def fit(
    data: Data,
    samples: Annotated[int, typer.Option(help="painted and plain chips of them")] = 26_000,
    epochs: Annotated[int, typer.Option(help="passes over the samples")] = 8,
    seed: Annotated[int, typer.Option(help="of the faces, the paint and the network")] = 1,
    out: Annotated[Path, typer.Option(help="the file")] = SHIPPED / face_appearance.SHIPPED_FILE,
) -> None:
    """Fit the classifier to painted training faces, and choose thresholds on validation faces."""
    store = ChipStore.open(data)
    training, validation = store.split("train"), store.split("val")
    fit_appearance(training, validation, samples, epochs, seed).save(out)


@app.command()
def wider(
    data: Data,
    faces: Annotated[int, typer.Option(help="validation faces")] = 600,
    seed: Annotated[int, typer.Option(help="of the faces and the paint")] = 0,
    out: Annotated[Path, typer.Option(help="the file")] = SHIPPED / wider_intervals.SHIPPED_FILE,
) -> None:
    """Measure the levels of wider intervals on painted validation faces that have a flag."""
    validation = ChipStore.open(data).split("val")
    rows = np.sort(np.random.default_rng(seed).permutation(len(validation))[:faces])
    measure_wider(validation.take(rows), seed).save(out)


if __name__ == "__main__":
    sys.exit(run_app(app, "tools.quality"))
