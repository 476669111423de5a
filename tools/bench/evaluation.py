"""Evaluation against the bare session of the same engine, its memory, and the bootstrap.

The bare session gets batches that are arrays already and returns raw outputs. Both sides run the
same graph in the same session of ONNX Runtime, with the same number of threads.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement, made_faces, mapped
from tools.bench.timing import interleaved, median_wall, peak_growth, speeds, timed
from utkage.core.reporter import SilentReporter
from utkage.data.labels import AGE_COUNT
from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions, with_labels
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.exporting.export import ExportRequest, export
from utkage.exporting.parity import synthetic_chips
from utkage.models.locate import shipped_weights
from utkage.models.onnx_session import INPUT_NAME, OUTPUT_WIDTHS, open_session
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import BATCH, predict_faces
from utkage.prediction.onnx_predictor import (
    OnnxPredictor,
    session_options,
)
from utkage.prediction.predictions import Predictions

CHIPS = 512
ROUNDS = 5
THREADS = 1
FACES = 4000
RESAMPLES = 2000
# Bounds in megabytes. Predicting needs the activations of one batch, whatever the number of faces;
# the bootstrap works in blocks.
PREDICTING_MB = 1300
BOOTSTRAP_MB = 300
MEMORY_UNIT = "MB at the peak"


def bench(options: BenchOptions) -> BenchResult:
    """Measure the bootstrap, then predicting."""
    faces, resamples = options.scaled(FACES, 200), options.scaled(RESAMPLES, 100)
    measurements = _bench_bootstrap(_made_predictions(faces), resamples)
    with tempfile.TemporaryDirectory() as name:
        rounds, chips = options.scaled(ROUNDS, 1), options.scaled(CHIPS, 2 * BATCH)
        measurements += _bench_predicting(Path(name), chips, rounds)
    return BenchResult(measurements)


def _bench_predicting(folder: Path, count: int, rounds: int) -> list[Measurement]:
    """From memory-mapped chips to labelled predictions."""
    card = read_card(shipped_weights())
    size, graph = card.contract.size, folder / "shipped.onnx"
    export(ExportRequest(weights="shipped", out=graph))
    session = open_session(graph.read_bytes(), session_options(THREADS), graph)
    predictor = OnnxPredictor(session, card, graph)
    faces = made_faces(mapped(synthetic_chips(count, size), folder / "chips.u8"))
    batches = [np.array(batch) for batch in faces.batches(BATCH, card.contract)]

    def bare() -> None:
        for batch in batches:
            session.run(list(OUTPUT_WIDTHS), {INPUT_NAME: batch})

    def evaluate() -> None:
        with_labels(faces, predict_faces(predictor, faces, SilentReporter(), "evaluating"))

    # First, because the session keeps the memory of its largest batch.
    growth = peak_growth(evaluate)
    times = interleaved({"bare": bare, "evaluate": evaluate}, rounds)
    ratios = speeds(times["bare"], times["evaluate"])
    speed = f"{ratios}, {count / median_wall(times['evaluate']):.1f} chips/s, threads {THREADS}"
    memory = f"growth while {count} mapped chips are evaluated, in batches of {BATCH}"
    unit = "of the speed of the bare session"
    return [
        Measurement("evaluation", ratios.median, unit, at_least=0.9, detail=speed),
        Measurement(
            "evaluation, memory", growth, MEMORY_UNIT, at_most=PREDICTING_MB, detail=memory
        ),
    ]


def _bench_bootstrap(faces: LabelledPredictions, resamples: int) -> list[Measurement]:
    """Every metric over three populations, and for every group."""
    drawn: list[Bootstrap] = []

    def draw() -> None:
        drawn.append(Bootstrap.draw(faces.groups, resamples))

    def compute() -> None:
        populations(faces, drawn[0])
        group_report(faces, drawn[0])

    growth = max(peak_growth(draw), peak_growth(compute))
    seconds = timed(draw).wall + timed(compute).wall
    detail = f"{resamples} resamples of {len(faces)} faces"
    return [
        Measurement("bootstrap", seconds, "s", at_most=5, detail=detail),
        Measurement("bootstrap, memory", growth, MEMORY_UNIT, at_most=BOOTSTRAP_MB, detail=detail),
    ]


def _made_predictions(count: int) -> LabelledPredictions:
    random = np.random.default_rng(0)
    # Only their labels count: the pixels of all are one zero.
    pixels = np.broadcast_to(np.zeros(1, dtype=np.uint8), (count, 32, 32, 3))
    age = random.uniform(0, 90, count)
    distribution = np.exp(-0.5 * ((np.arange(AGE_COUNT) - age[:, None]) / 5) ** 2)
    distribution /= distribution.sum(axis=1, keepdims=True)
    ranges = random.dirichlet(np.ones(9), count)
    female = random.uniform(0, 1, count)
    return with_labels(made_faces(pixels), Predictions(age, distribution, ranges, female))
