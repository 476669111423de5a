"""How well ``audit-labels`` finds wrong labels that are planted into validation and test faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from tools.documents import Block, markdown
from utkage.core.device import resolve_device
from utkage.core.errors import UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.inputs.labelled_predictions import Floats, Ints, LabelledPredictions
from utkage.evaluation.inputs.prediction_sources import open_prediction_source
from utkage.evaluation.label_audit.label_errors import AGE_LABEL, GENDER_LABEL, label_errors

SHARE = 0.02
DRAWS = 10
FIRST = (100, 300)
# A wrong age of few years cannot be told from an error of the prediction.
FAR = 10
Mask = NDArray[np.bool_]
Data = Annotated[Path, typer.Option(help="prepared set whose val and test faces are checked")]
Source = Annotated[str, typer.Option(help="the source in it")]


def measure_label_errors(data: Data, source: Source = "UTKFace") -> list[Block]:
    """Plant wrong labels into validation and test faces, rank all labels, and count."""
    store = ChipStore.open(data)
    opened = open_prediction_source("shipped", resolve_device("cpu"), flip=True)
    parts = [
        opened.predict(store.split(name, source), SilentReporter()) for name in ("val", "test")
    ]
    faces = [part.take(np.flatnonzero((part.ages >= 0) & (part.genders >= 0))) for part in parts]
    results: dict[str, list[list[float]]] = {}
    for seed in range(DRAWS):
        for name, scores, planted in _draw(faces, np.random.default_rng(seed)):
            results.setdefault(name, []).append(_counts(scores, planted))
    n = sum(map(len, faces))
    columns = [f"{kind} among the first {k}" for k in FIRST for kind in ("precision", "recall")]
    rows = [
        (name, *(f"{mean:.0%} (sd {sd:.0%})" for mean, sd in zip(*_spread(found), strict=True)))
        for name, found in results.items()
    ]
    origin = (
        f"{source}, val and test of {store.split_hash}, {n} faces, shipped weights, {SHARE:.0%} of "
        f"ages drawn anew from all ages and {SHARE:.0%} of genders inverted, {DRAWS} draws"
    )
    return [Block("evaluation.md", "label errors", markdown(("ranked by", *columns), rows), origin)]


def _draw(
    parts: list[LabelledPredictions], random: np.random.Generator
) -> Iterator[tuple[str, Floats, Mask]]:
    """Name, scores and planted labels of each ranking, for one draw of wrong labels."""
    scores: dict[str, list[Floats]] = {}
    marks: dict[str, list[Mask]] = {}
    for faces in parts:
        ages, genders = _planted(faces, random)
        wrong_age, wrong_gender = ages != faces.ages, genders != faces.genders
        changed = replace(faces, ages=ages, genders=genders, age_ranges=None)
        found = {each.label: each.probability for each in label_errors(changed)}
        if faces.predictions is None:
            raise UsageError("the shipped weights predict distributions")
        given = faces.predictions.age_distribution[np.arange(len(faces)), ages]
        far = np.abs(ages - faces.ages) > FAR
        for name, score, planted in (
            ("probability that the age is wrong", found[AGE_LABEL], wrong_age),
            (f"the same, planted ages over {FAR} years off", found[AGE_LABEL], far),
            ("difference of label and predicted age", np.abs(faces.age - ages), wrong_age),
            ("1 - P(label), as cleanlab's self-confidence", 1 - given, wrong_age),
            ("probability that the gender is wrong", found[GENDER_LABEL], wrong_gender),
        ):
            scores.setdefault(name, []).append(score)
            marks.setdefault(name, []).append(planted)
    for name in scores:
        yield name, np.concatenate(scores[name]), np.concatenate(marks[name])


def _planted(faces: LabelledPredictions, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Ages and genders with ``SHARE`` of each changed."""
    n = len(faces)
    count = round(SHARE * n)
    ages, genders = faces.ages.copy(), faces.genders.copy()
    ages[random.choice(n, count, replace=False)] = faces.ages[random.choice(n, count)]
    flipped = random.choice(n, count, replace=False)
    genders[flipped] = 1 - genders[flipped]
    return ages, genders


def _counts(scores: Floats, planted: Mask) -> list[float]:
    """Precision and recall of the planted labels among the first of each number."""
    order = np.argsort(-scores, kind="stable")
    hits = [planted[order[:k]] for k in FIRST]
    return [value for hit in hits for value in (float(hit.mean()), hit.sum() / planted.sum())]


def _spread(found: list[list[float]]) -> tuple[list[float], list[float]]:
    values = np.array(found)
    return values.mean(axis=0).tolist(), values.std(axis=0, ddof=1).tolist()
