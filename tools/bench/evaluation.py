"""Measure how fast evaluation is, as ratios from interleaved runs on this machine.

    python tools/bench_evaluation.py

``evaluate``: chips a second of evaluation, from memory-mapped chips to labelled answers, against
the bare forward pass of the same graph on batches that are tensors already (promised: at least
0.9). ``bootstrap``: seconds of 2,000 resamples of 4,000 faces, for every figure over three
populations and for every group (promised: under 5 s together).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from tools.bench.timing import clocked
from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.evaluation.bootstrap import Bootstrap
from utkage.evaluation.groups import group_report
from utkage.evaluation.labelled_predictions import LabelledPredictions, with_labels
from utkage.evaluation.populations import populations
from utkage.exporting.parity import synthetic_chips
from utkage.models.locate import shipped_weights
from utkage.models.systems import build_graph
from utkage.models.weights_files import load_weights
from utkage.prediction.chip_predictor import BATCH, predict_faces
from utkage.prediction.loading import load_predictor
from utkage.prediction.predictions import Predictions

CHIPS = 512
ROUNDS = 3
FACES = 4000
RESAMPLES = 2000


def main() -> int:
    """Print one line a benchmark."""
    with tempfile.TemporaryDirectory() as name:
        _bench_evaluate(Path(name))
    _bench_bootstrap()
    return 0


def _bench_evaluate(folder: Path) -> None:
    predictor = load_predictor("shipped")
    side = predictor.card.contract.size
    path = folder / "chips.u8"
    path.write_bytes(synthetic_chips(CHIPS, side).tobytes())
    pixels = np.memmap(path, dtype=np.uint8, mode="r", shape=(CHIPS, side, side, 3))
    faces = _labelled(pixels)
    graph = build_graph(load_weights(shipped_weights()), "shipped", flip=True)
    graph = graph.to(memory_format=torch.channels_last)
    batches = [torch.from_numpy(np.array(batch)) for batch in faces.batches(BATCH, side)]

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches:
                graph(batch)

    def evaluated() -> None:
        with_labels(faces, predict_faces(predictor, faces, SilentReporter(), "evaluating"))

    runs = (bare, evaluated)
    seconds: tuple[list[float], list[float]] = ([], [])
    for run in runs:
        run()
    for _ in range(ROUNDS):
        for run, found in zip(runs, seconds, strict=True):
            found.append(clocked(run))
    bare_seconds, own_seconds = (statistics.median(found) for found in seconds)
    print(
        f"evaluate   {CHIPS / own_seconds:8.1f} chips/s, bare forward {CHIPS / bare_seconds:.1f}: "
        f"{bare_seconds / own_seconds:.2f} of it (promised 0.9)"
    )


def _bench_bootstrap() -> None:
    faces = _answered()
    drawn: list[Bootstrap] = []
    draw = clocked(lambda: drawn.append(Bootstrap.draw(faces.groups, RESAMPLES)))
    figures = clocked(lambda: populations(faces, drawn[0]))
    groups = clocked(lambda: group_report(faces, drawn[0]))
    print(
        f"bootstrap  {draw + figures + groups:8.1f} s for {RESAMPLES} resamples of {FACES} faces "
        f"(drawing {draw:.1f}, figures {figures:.1f}, groups {groups:.1f}; promised 5)"
    )


def _labelled(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> LabelledChips:
    count = len(pixels)
    random = np.random.default_rng(0)
    return LabelledChips(
        pixels=pixels,
        rows=np.arange(count),
        sources=("drawn",) * count,
        names=tuple(f"{index}.jpg" for index in range(count)),
        ages=random.integers(0, 90, count),
        genders=random.integers(0, 2, count),
        races=random.integers(0, 5, count),
        pixel_hashes=tuple(f"{index:08x}" for index in range(count)),
        contract=load_predictor("shipped").card.contract,
    )


def _answered() -> LabelledPredictions:
    random = np.random.default_rng(0)
    pixels = np.zeros((FACES, 1, 1, 3), dtype=np.uint8)
    age = random.uniform(0, 90, FACES)
    distribution = np.exp(-0.5 * ((np.arange(AGE_COUNT) - age[:, None]) / 5) ** 2)
    distribution /= distribution.sum(axis=1, keepdims=True)
    ranges = random.dirichlet(np.ones(9), FACES)
    female = random.uniform(0, 1, FACES)
    return with_labels(_labelled(pixels), Predictions(age, distribution, ranges, female))


if __name__ == "__main__":
    sys.exit(main())
