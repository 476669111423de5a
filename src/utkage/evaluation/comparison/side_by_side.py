"""Several models on several sources: the main metrics, and paired differences to the first model.

Each metric of a source is measured on the faces that all models predict, so that no model gains by
leaving out hard faces; how many faces each predicts is counted beside it. The mean over sources
gives each the same weight. Resamples are drawn within each source, independently of the other
sources, and are the same for all models (stratified and paired bootstrap).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.groups.group_metrics import SMALL
from utkage.evaluation.groups.source_summary import SourceSummary
from utkage.evaluation.inputs.labelled_predictions import (
    AGE,
    AGE_RANGE,
    GENDER,
    LabelledPredictions,
)
from utkage.evaluation.metrics.bootstrap import (
    Bootstrap,
    Estimate,
    Floats,
    Ints,
    OnSomeFaces,
    Statistic,
    estimate,
    rounded,
)
from utkage.evaluation.metrics.registry import METRICS

METRIC_NAMES = ("mae", "label_range_accuracy", "label_range_distance", "gender_accuracy")
"""Keys in ``METRICS``: the errors of ages in years, of ages that are ranges, and of genders."""
# Kinds of labels whose predictions are counted, by their name in JSON.
LABELS = {"age": (AGE, AGE_RANGE), "gender": (GENDER,)}

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SourceValues:
    """One metric of one source, by model.

    Attributes:
        metric: Key of the metric.
        source: Name of the source.
        n: Number of faces, with the label of the metric, that all models predict.
        small: Whether these are too few faces to rely on the values.
        values: Value of each model; undefined for models without any such prediction in the source.
        differences: Value minus that of the first model, with the interval of the paired bootstrap.
    """

    metric: str
    source: str
    n: int
    small: bool
    values: tuple[Estimate, ...]
    differences: tuple[Estimate, ...]


@dataclass(frozen=True, kw_only=True)
class MeanValues:
    """The mean of one metric over several sources, by model.

    Attributes:
        metric: Key of the metric.
        sources: Names of the sources, each of which has the same weight.
        values: Mean of each model; undefined for models that have no value for one of the sources.
        differences: Mean minus that of the first model, with the interval of the paired bootstrap.
        worst: Name of the source with the worst value of each model, or None.
        worst_values: That value, or None.
    """

    metric: str
    sources: tuple[str, ...]
    values: tuple[Estimate, ...]
    differences: tuple[Estimate, ...]
    worst: tuple[str | None, ...]
    worst_values: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class PredictedFaces:
    """How many of the labelled faces of one source each model predicts.

    Attributes:
        label: ``age`` or ``gender``.
        source: Name of the source.
        n: Number of faces that have the label.
        predicted: Number of those with a prediction of it, by model.
    """

    label: str
    source: str
    n: int
    predicted: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Several models on the same faces of one or more sources.

    Attributes:
        models: Names of the models; the differences are to the first.
        sources: Every metric of every source that has faces with its label.
        means: The mean over sources and the worst source of each metric of several sources.
        predicted: How many faces each model predicts.
    """

    models: tuple[str, ...]
    sources: tuple[SourceValues, ...]
    means: tuple[MeanValues, ...]
    predicted: tuple[PredictedFaces, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found: dict[str, Any] = rounded(asdict(self))
        return found


@dataclass(frozen=True)
class _Measured:
    """One metric of one source: its value by model, (m,), and by resample, (m, resamples).

    NaN where it is not defined. ``n`` is the number of faces.
    """

    n: int
    values: Floats
    draws: Floats


def side_by_side(
    everyone: LabelledPredictions,
    models: Sequence[tuple[str, LabelledPredictions]],
    resamples: int,
    seed: int = 0,
) -> SideBySide:
    """Measure models on the faces that all of them predict, source by source.

    Args:
        everyone: All faces with their labels, whether or not a model predicts them. Its predictions
            are not used.
        models: Name and predictions of each model; the differences are to the first.
        resamples: Number of bootstrap resamples of each source.
        seed: Seed of the bootstrap.
    """
    aligned = [_Aligned(everyone, faces) for _, faces in models]
    sources: list[SourceValues] = []
    predicted: list[PredictedFaces] = []
    measured: dict[str, dict[str, _Measured]] = {name: {} for name in METRIC_NAMES}
    names = np.array(everyone.sources)
    # In the order of their names, because the seed of each follows its place.
    for place, source in enumerate(sorted(set(everyone.sources))):
        inside = names == source
        predicted += _predicted(everyone, aligned, source, inside)
        # Sources with as many faces must not get the same draws.
        own = seed if place == 0 else _seed_of(seed, place)
        for metric, found in _measure(everyone, aligned, inside, resamples, own).items():
            measured[metric][source] = found
            sources.append(_source_values(metric, source, found))
    order = METRIC_NAMES.index
    return SideBySide(
        models=tuple(name for name, _ in models),
        sources=tuple(sorted(sources, key=lambda row: order(row.metric))),
        means=tuple(
            _mean_values(metric, found) for metric, found in measured.items() if len(found) > 1
        ),
        predicted=tuple(predicted),
    )


def _seed_of(seed: int, place: int) -> int:
    """An independent seed for the source at this place."""
    return int(np.random.SeedSequence([seed, place]).generate_state(1)[0])


class _Aligned:
    """The predictions of a model in the order of all faces."""

    def __init__(self, everyone: LabelledPredictions, faces: LabelledPredictions) -> None:
        rows = {key: row for row, key in enumerate(zip(faces.sources, faces.names, strict=True))}
        keys = zip(everyone.sources, everyone.names, strict=True)
        self._faces = faces
        self._rows = np.array([rows.get(key, -1) for key in keys], dtype=np.int64)

    def predicts(self, label: str) -> Mask:
        """Mask of all faces that have a label of this kind and a prediction of it, (n,)."""
        known = self._faces.labelled(label)
        return (self._rows >= 0) & known[self._rows]

    def statistic(self, metric: str, rows: Ints) -> Statistic:
        """A metric over the faces with these indices among all faces."""
        return METRICS[metric].statistic(self._faces.take(self._rows[rows]))


def _predicted(
    everyone: LabelledPredictions, models: Sequence[_Aligned], source: str, inside: Mask
) -> list[PredictedFaces]:
    found = []
    for name, labels in LABELS.items():
        n = sum(int((inside & everyone.has_label(label)).sum()) for label in labels)
        counts = (
            sum(int((inside & model.predicts(label)).sum()) for label in labels) for model in models
        )
        if n:
            found.append(PredictedFaces(label=name, source=source, n=n, predicted=tuple(counts)))
    return found


def _measure(
    everyone: LabelledPredictions,
    models: Sequence[_Aligned],
    inside: Mask,
    resamples: int,
    seed: int,
) -> dict[str, _Measured]:
    """The metrics of the faces ``inside`` one source, (n,), that have a label and a prediction."""
    members: dict[str, list[int]] = {}
    common: dict[str, Mask] = {}
    for metric in METRIC_NAMES:
        masks = [inside & model.predicts(METRICS[metric].needs) for model in models]
        # A model that never predicts a label would leave no face to compare the others on.
        members[metric] = [place for place, mask in enumerate(masks) if mask.any()]
        if members[metric]:
            common[metric] = np.all([masks[place] for place in members[metric]], axis=0)
    drawn = np.flatnonzero(np.any(list(common.values()), axis=0)) if common else np.empty(0, int)
    groups = np.unique(everyone.groups[drawn], return_inverse=True)[1].astype(np.int64)
    statistics: dict[str, Statistic] = {
        f"{metric} {place}": OnSomeFaces(
            models[place].statistic(metric, np.flatnonzero(mask)),
            np.searchsorted(drawn, np.flatnonzero(mask)),
        )
        for metric, mask in common.items()
        if mask.any()
        for place in members[metric]
    }
    draws = Bootstrap.draw(groups, resamples, seed).draws(statistics)
    found = {}
    for metric, mask in common.items():
        values, own = np.full(len(models), np.nan), np.full((len(models), resamples), np.nan)
        for place in members[metric] if mask.any() else ():
            values[place] = statistics[f"{metric} {place}"](None)
            own[place] = draws[f"{metric} {place}"]
        found[metric] = _Measured(int(mask.sum()), values, own)
    return found


def _source_values(metric: str, source: str, found: _Measured) -> SourceValues:
    return SourceValues(
        metric=metric,
        source=source,
        n=found.n,
        small=found.n < SMALL,
        values=_estimates(found),
        differences=_estimates(_to_the_first(found)),
    )


def _mean_values(metric: str, by_source: Mapping[str, _Measured]) -> MeanValues:
    """The mean over sources, each with the same weight, and the worst source."""
    found = list(by_source.values())
    mean = _Measured(
        sum(each.n for each in found),
        np.mean([each.values for each in found], axis=0),
        np.mean([each.draws for each in found], axis=0),
    )
    worst: list[str | None] = []
    worst_values: list[float | None] = []
    for place, value in enumerate(mean.values):
        values = {source: float(each.values[place]) for source, each in by_source.items()}
        name = None if np.isnan(value) else SourceSummary(metric, values).worst
        worst.append(name)
        worst_values.append(None if name is None else values[name])
    return MeanValues(
        metric=metric,
        sources=tuple(by_source),
        values=_estimates(mean),
        differences=_estimates(_to_the_first(mean)),
        worst=tuple(worst),
        worst_values=tuple(worst_values),
    )


def _to_the_first(found: _Measured) -> _Measured:
    return _Measured(found.n, found.values - found.values[0], found.draws - found.draws[0])


def _estimates(found: _Measured) -> tuple[Estimate, ...]:
    pairs = zip(found.values, found.draws, strict=True)
    return tuple(estimate(float(value), draws, found.n) for value, draws in pairs)
