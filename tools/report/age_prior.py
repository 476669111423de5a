"""Cross-validation of the age prior on the validation split.

The prior is fitted to four fifths of the faces and scored on the last fifth, in turn; duplicates
stay together. The weights must not have an age prior yet.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from tools.documents import Block, markdown
from tools.report.evaluation import add_data_option
from tools.report.page import ReportPage
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.data.store import ChipStore
from utkage.evaluation.age_prior import fit_age_prior
from utkage.evaluation.labelled_predictions import ranges_of
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor

FOLDS = 5
SEEDS = range(5)
COLUMNS = ("source", "n", "", "MAE, years", "ages 21-60", "CS@5", "age range")

Floats = NDArray[np.float64]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The prepared set and the weights."""
    add_data_option(parser)
    parser.add_argument("--weights", default="shipped", help="weights without an age prior")


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Predict once, and fit the prior to each choice of folds."""
    store = ChipStore.open(options.data)
    faces = store.split("val")
    predictions = predict_faces(
        load_predictor(options.weights), faces, SilentReporter(), "predicting"
    )
    before = predictions.age_distribution
    after = [cross_fitted(faces, before, seed) for seed in SEEDS]
    origin = (
        f"Validation split of `{store.split_hash}`, {len(faces)} faces, flip averaging, {FOLDS} "
        f"folds, means of {len(SEEDS)} ways to draw them"
    )
    return {"prior": Block(table(faces, before, after), origin)}


def cross_fitted(faces: LabelledChips, before: Floats, seed: int) -> Floats:
    """Age distributions of all faces, each with a prior fitted without its fold, (n, ages)."""
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
    """The metrics before and after, by source."""
    rows = []
    for source in faces.source_names:
        own = faces.of_source(source)
        for name, several in (("before", [before]), ("with the prior", after)):
            found = [_metrics(faces.ages[own], distributions[own]) for distributions in several]
            mae, middle, cs5, ranges = np.mean(found, axis=0)
            shown = (f"{mae:.3f}", f"{middle:.3f}", f"{cs5:.1%}", f"{ranges:.1%}")
            rows.append((source, str(own.sum()), name, *shown))
    return markdown(COLUMNS, rows)


def _metrics(ages: NDArray[np.int64], distributions: Floats) -> tuple[float, float, float, float]:
    """MAE, MAE of 21-60, CS@5 of the whole-year median, and the accuracy of ranges."""
    error = np.abs((distributions.cumsum(axis=1) < 0.5).sum(axis=1) - ages)
    middle = (ages >= 21) & (ages <= 60)
    by_range = ranges_of(np.arange(AGE_COUNT))
    sums = np.stack([distributions[:, by_range == r].sum(axis=1) for r in range(9)], axis=1)
    right = sums.argmax(axis=1) == ranges_of(ages)
    return error.mean(), error[middle].mean(), (error <= 5).mean(), right.mean()


PAGE = ReportPage(
    name="age-prior",
    summary="cross-validate the age prior on the validation split",
    document="weights.md",
    add_options=add_options,
    measure=measure,
)
