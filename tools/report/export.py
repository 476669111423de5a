"""Every export format and precision: parity, error, size and speed.

The table holds what the parity gate measured, the MAE on faces of the test split, sizes, and speeds
as ratios of interleaved rounds.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from tools.bench.engines import speeds_over_bare
from tools.documents import Block, markdown
from tools.report.evaluation import Data
from utkage.data.store import ChipStore
from utkage.exporting.export import ExportRequest, ExportResult, export
from utkage.exporting.formats import FORMATS
from utkage.exporting.parity import predict_batches
from utkage.faces.recrop import recrop
from utkage.models.locate import shipped_weights
from utkage.models.onnx_session import open_session
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import ChipPredictor

BATCH = 32
ROUNDS = 5
COLUMNS = (
    *("file", "MB", "largest difference of the median age, years"),
    *("ranges, genders that differ", "MAE, {} test faces"),
    "chips/s against bare ONNX Runtime, fp32",
)


@dataclass(frozen=True)
class Exported:
    """A written file, its predictor, and its MAE on test faces in years."""

    result: ExportResult
    predictor: ChipPredictor
    mae: float


def measure_export(
    data: Data, count: Annotated[int, typer.Option(help="number of test faces")] = 400
) -> list[Block]:
    """Export the shipped weights in every format and precision, and compare."""
    store = ChipStore.open(data)
    test = store.split("test")
    count = min(count, len(test))
    chosen = np.random.default_rng(0).choice(len(test), count, replace=False)
    contract, ages = read_card(shipped_weights()).contract, test.ages[chosen]
    chips = recrop(test.pixels[test.rows[chosen]], test.contract, contract)
    with tempfile.TemporaryDirectory() as name:
        files = _export_all(Path(name), data, chips, ages)
        path = files[0].result.path
        bare = open_session(path.read_bytes(), None, path)
        predictors = {str(index): own.predictor for index, own in enumerate(files)}
        ratios = speeds_over_bare(bare, predictors, [chips[:BATCH]], ROUNDS)
    rows = [_row(own, ratio) for own, ratio in zip(files, ratios.values(), strict=True)]
    (errors,) = (own.result.errors for own in files if own.result.errors is not None)
    origin = (
        "Shipped weights, flip averaging inside; compared on 256 drawn chips, int8 on "
        f"{errors.n} validation faces of `{store.split_hash}` as well (MAE "
        f"{errors.mae_exported:.3f} years, of the weights {errors.mae:.3f}); MAE on {count} "
        f"faces drawn from its test split; batches of {BATCH}, medians of {ROUNDS} interleaved "
        "rounds; speed includes checks of the chips and conversion of the outputs"
    )
    columns = [heading.format(count) for heading in COLUMNS]
    return [Block("export.md", "parity", markdown(columns, rows), origin)]


def _row(file: Exported, speed: float) -> tuple[str, ...]:
    result, parity = file.result, file.result.parity
    return (
        f"{result.format}, {result.precision}",
        f"{result.size / 1e6:.1f}",
        f"{parity.max_median_difference:.4f}",
        f"{parity.range_flips}, {parity.gender_flips} of {parity.chips}",
        f"{file.mae:.3f}",
        f"{speed:.2f}",
    )


def _export_all(
    folder: Path, data: Path, chips: NDArray[np.uint8], ages: NDArray[np.int64]
) -> list[Exported]:
    """Write every format and precision, fp32 ONNX first."""
    batches = np.array_split(chips, max(1, len(chips) // BATCH))
    files = []
    for form in FORMATS.values():
        for precision in form.precisions:
            out = folder / f"{form.name}-{precision}{form.suffix}"
            # Real faces set the ranges of int8; for the others synthetic chips are the harder test.
            real = data if precision == "int8" else None
            request = ExportRequest(
                weights="shipped", format=form.name, out=out, data=real, precision=precision
            )
            result = export(request)
            predictor = form.open(out)
            mae = float(np.abs(predict_batches(predictor, batches).age - ages).mean())
            files.append(Exported(result, predictor, mae))
    return files
