"""Engines and precisions against bare ONNX Runtime in fp32 with the same number of threads.

The cost of wrapping is what checks of chips and conversion of outputs add to a call of ONNX
Runtime. The weights are the shipped ones, without flip averaging.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.timing import interleaved, speeds
from tools.documents import Block, markdown
from utkage.exporting.export import ExportRequest, export
from utkage.exporting.formats import FORMATS
from utkage.exporting.parity import synthetic_chips
from utkage.models.locate import shipped_weights
from utkage.models.onnx_session import INPUT_NAME, OUTPUT_WIDTHS, open_session
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.loading import load_predictor
from utkage.prediction.onnx_predictor import (
    OnnxPredictor,
    session_options,
)

BATCHES = (1, 8, 64)
THREADS = (1, 2)
CHIPS = 64
ROUNDS = 5


def bench(options: BenchOptions) -> BenchResult:
    """Export every precision, and measure each batch size and number of threads."""
    card = read_card(shipped_weights())
    rounds = options.scaled(ROUNDS, 1)
    chips = synthetic_chips(options.scaled(CHIPS, 8), card.contract.size)
    result, rows = BenchResult(), []
    with tempfile.TemporaryDirectory() as name:
        files = _exported(Path(name))
        for threads in THREADS:
            sessions = {
                precision: open_session(path.read_bytes(), session_options(threads), path)
                for precision, path in files.items()
            }
            predictors: dict[str, ChipPredictor] = {
                precision: OnnxPredictor(own, card, files[precision])
                for precision, own in sessions.items()
            }
            predictors["torch"] = load_predictor("shipped", engine="torch", flip=False)
            for batch in BATCHES:
                parts = [chips[start : start + batch] for start in range(0, len(chips), batch)]
                with torch_threads(threads):
                    ratios = speeds_over_bare(sessions["fp32"], predictors, parts, rounds)
                cost = 100 * (1 / ratios["fp32"] - 1)
                label, unit = f"wrapping, threads {threads}, batch {batch}", "% of the bare time"
                result.measurements.append(Measurement(label, cost, unit, at_most=5))
                shown = (f"{ratio:.2f}" for ratio in ratios.values())
                rows.append((str(threads), str(batch), f"{cost:+.1f} %", *shown))
        sizes = [f"onnx {p} ({path.stat().st_size / 1e6:.1f} MB)" for p, path in files.items()]
    columns = ("threads", "batch", "cost of wrapping", *sizes, "torch fp32")
    origin = (
        "Speed over a bare session of ONNX Runtime in fp32 with the same threads; medians of "
        f"{rounds} interleaved rounds over {len(chips)} drawn chips, shipped weights without flip "
        "averaging"
    )
    result.blocks.append(Block("export.md", "speed", markdown(columns, rows), origin))
    return result


def _exported(folder: Path) -> dict[str, Path]:
    """The shipped weights as ONNX files, by precision."""
    files = {name: folder / f"{name}.onnx" for name in FORMATS["onnx"].precisions}
    for precision, path in files.items():
        export(ExportRequest(weights="shipped", out=path, precision=precision, flip=False))
    return files


def speeds_over_bare(
    session: Any,
    predictors: Mapping[str, ChipPredictor],
    batches: Sequence[NDArray[np.uint8]],
    rounds: int,
) -> dict[str, float]:
    """Speed of each predictor as a ratio to a bare session of ONNX Runtime."""

    def bare() -> None:
        for batch in batches:
            session.run(list(OUTPUT_WIDTHS), {INPUT_NAME: batch})

    def wrapped(predictor: ChipPredictor) -> None:
        for batch in batches:
            predictor.predict_chips(batch)

    runs = {name: partial(wrapped, predictor) for name, predictor in predictors.items()}
    times = interleaved({"bare": bare, **runs}, rounds)
    return {name: speeds(times["bare"], times[name]).median for name in runs}


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let PyTorch compute with so many threads."""
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(former)
