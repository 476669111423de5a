"""Measure the engines: chips a second by precision, batch and threads, against the bare runtime.

    python tools/bench_engines.py

``wrapping``: what checks of chips, conversion of answers and our classes cost around one call of
ONNX Runtime on the same session options (promised: at most 5 %). ``engines``: each engine and
precision as a ratio to ONNX Runtime in fp32 with the same threads. All ratios are medians of
interleaved rounds; the sizes of the files stand beside them. The weights are the shipped ones,
without flip averaging.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch

from tools.bench.timing import speed_ratios
from tools.docs.numbers import fill_page
from utkage.exporting.export import ExportRequest, export
from utkage.exporting.formats import FORMATS
from utkage.exporting.parity import synthetic_chips
from utkage.models.card import Card
from utkage.models.export_metadata import open_session
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.loading import load_predictor
from utkage.prediction.onnx_predictor import OnnxPredictor, session_options

BATCHES = (1, 8, 64)
THREADS = (1, 2)
CHIPS = 64
ROUNDS = 5
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "export.md"


def main() -> int:
    """Measure, print, and with ``--write`` put the table into docs/export.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="into docs/export.md as well")
    arguments = parser.parse_args()
    card = read_card(shipped_weights())
    chips = synthetic_chips(CHIPS, card.contract.size)
    with tempfile.TemporaryDirectory() as name:
        files: dict[str, Path] = {}
        for precision in FORMATS["onnx"].precisions:
            out = Path(name) / f"{precision}.onnx"
            export(ExportRequest(weights="shipped", out=out, precision=precision, flip=False))
            files[precision] = out
        heads = [f"onnx {p} ({path.stat().st_size / 1e6:.1f} MB)" for p, path in files.items()]
        lines = [
            f"| threads | batch | cost of wrapping | {' | '.join(heads)} | torch fp32 |",
            "|---" * (len(heads) + 4) + "|",
        ]
        for threads in THREADS:
            torch.set_num_threads(threads)
            runs = _opened(files, card, threads)
            runs["torch fp32"] = load_predictor("shipped", engine="torch", flip=False)
            for batch in BATCHES:
                lines.append(_line(files["fp32"], runs, chips, batch, threads))
                print(lines[-1])
    content = "\n".join(lines) + (
        f"\n\nSpeed over a bare session of ONNX Runtime in fp32 with the same threads; medians of "
        f"{ROUNDS} interleaved rounds over {CHIPS} drawn chips, shipped weights without flip "
        f"averaging; `tools/bench_engines.py`, {datetime.date.today().isoformat()}."
    )
    print(content)
    if arguments.write:
        fill_page(PAGE, "speed", content)
    return 0


def _opened(files: dict[str, Path], card: Card, threads: int) -> dict[str, ChipPredictor]:
    return {
        f"onnx {precision}": OnnxPredictor(_session(path, threads), card)
        for precision, path in files.items()
    }


def _session(path: Path, threads: int) -> Any:
    return open_session(path.read_bytes(), session_options(threads), path)


def _line(plain: Path, runs: dict[str, ChipPredictor], chips: Any, batch: int, threads: int) -> str:
    parts = [chips[start : start + batch] for start in range(0, len(chips), batch)]
    session = _session(plain, threads)
    outputs = [output.name for output in session.get_outputs()][:4]

    def bare() -> None:
        for part in parts:
            session.run(outputs, {"chips": part})

    def wrapped(predictor: ChipPredictor) -> None:
        for part in parts:
            predictor.predict_chips(part)

    ratios = speed_ratios(bare, [partial(wrapped, own) for own in runs.values()], ROUNDS)
    cells = " | ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"| {threads} | {batch} | {100 * (1 / ratios[0] - 1):+.1f} % | {cells} |"


if __name__ == "__main__":
    sys.exit(main())
