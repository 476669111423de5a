"""Cross-validate the age prior on a validation split and put the table into docs/weights.md.

    python tools/write_age_prior.py --data both

The prior is fitted to four fifths of the faces and scored on the last one, in turns; copies stay
together. Run it on weights before they get their prior. The test split is not looked at.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.docs.numbers import fill_page
from utkage.core.errors import UtkageError
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.data.store import ChipStore
from utkage.evaluation.age_prior import fit_age_prior
from utkage.evaluation.labelled_predictions import ranges_of
from utkage.models.locate import resolve_weights
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "weights.md"
FOLDS = 5
SEEDS = range(5)

Floats = NDArray[np.float64]


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="prepared set of both sources")
    parser.add_argument("--weights", default="shipped", help="without an age prior so far")
    arguments = parser.parse_args()
    try:
        path = resolve_weights(arguments.weights).path
        store = ChipStore.open(arguments.data)
        faces = store.split("val")
        found = predict_faces(load_predictor(path), faces, SilentReporter(), "val")
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    before = found.age_distribution
    content = table(faces, before, [cross_fitted(faces, before, seed) for seed in SEEDS])
    content += (
        f"\n\nValidation split of `{store.split_hash}`, flip averaging, {FOLDS} folds, means of "
        f"{len(SEEDS)} ways to draw them; `python tools/write_age_prior.py --data both`, "
        f"{datetime.date.today().isoformat()}."
    )
    fill_page(PAGE, "prior", content)
    return 0


def cross_fitted(faces: LabelledChips, before: Floats, seed: int) -> Floats:
    """Distributions of all faces, each with a prior that was fitted without its fold."""
    groups = faces.group_numbers
    folds = np.random.default_rng(seed).integers(0, FOLDS, int(groups.max()) + 1)[groups]
    after = np.empty_like(before)
    for fold in range(FOLDS):
        held = folds == fold
        added = fit_age_prior(faces.ages[~held], before[~held])
        moved = before[held] * np.exp(added)
        after[held] = moved / moved.sum(axis=1, keepdims=True)
    return after


def table(faces: LabelledChips, before: Floats, after: list[Floats]) -> str:
    """Both side by side, by source."""
    lines = [
        "| source | n | | MAE, years | ages 21-60 | CS@5 | age range |",
        "|---|---|---|---|---|---|---|",
    ]
    for source in faces.source_names:
        own = faces.of_source(source)
        for name, several in (("before", [before]), ("with the prior", after)):
            mae, middle, cs5, ranges = np.mean(
                [figures(faces.ages[own], answer[own]) for answer in several], axis=0
            )
            lines.append(
                f"| {source} | {own.sum()} | {name} | {mae:.3f} | {middle:.3f} | {cs5:.1%} | "
                f"{ranges:.1%} |"
            )
    return "\n".join(lines)


def figures(ages: NDArray[np.int64], distributions: Floats) -> tuple[float, float, float, float]:
    """MAE, MAE of 21-60, CS@5 of the whole-year median, and the accuracy of ranges."""
    error = np.abs((distributions.cumsum(axis=1) < 0.5).sum(axis=1) - ages)
    middle = (ages >= 21) & (ages <= 60)
    by_range = ranges_of(np.arange(AGE_COUNT))
    sums = np.stack([distributions[:, by_range == r].sum(axis=1) for r in range(9)], axis=1)
    right = sums.argmax(axis=1) == ranges_of(ages)
    return error.mean(), error[middle].mean(), (error <= 5).mean(), right.mean()


if __name__ == "__main__":
    sys.exit(main())
