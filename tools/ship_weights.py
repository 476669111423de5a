"""Turn the best weights of a run into the shipped ones: float16, measured, with a full card.

    python tools/ship_weights.py runs/first --data prepared

The stored file is what gets measured, after rounding, on the validation and test splits of the
prepared set that it was trained on. Beside it go the graphs by which ONNX Runtime runs it
without torch; ``tools/write_skeletons.py`` writes these alone.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError, UtkageError
from utkage.core.reporter import SilentReporter
from utkage.data.labels import RANGE_NAMES
from utkage.data.store import ChipStore
from utkage.engines.evaluation.metrics import Metrics, score
from utkage.engines.exporting.skeleton import write_skeletons
from utkage.engines.inference.loading import load_predictor
from utkage.engines.inference.predictor import predict_faces
from utkage.engines.inference.skeleton import SKELETONS
from utkage.faces.contract import utkface_contract
from utkage.models.card import RESEARCH_TERMS
from utkage.models.locate import BEST_NAME, SHIPPED_NAME
from utkage.models.weights import Weights, load_weights, save_weights

SHIPPED = Path(__file__).resolve().parent.parent / "src" / "utkage" / "shipped" / SHIPPED_NAME
MAX_BYTES = 10_000_000
FLIPPED = " (flip averaging)"

LIMITS = (
    "Ages are apparent ages as UTKFace labels them, partly by an algorithm; they are no proof of "
    "age. Errors differ by age range: see by_range in the metrics.",
    "Gender means the two labels of the data; it is least reliable for infants and toddlers.",
    "Trained on aligned, mostly frontal faces; profiles and covered faces give weak answers.",
)


def main() -> int:
    """Ship the best weights of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="run folder of utkage train")
    parser.add_argument("--data", type=Path, required=True, help="the prepared set of that run")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    try:
        ship(arguments.run / BEST_NAME, arguments.data, arguments.out)
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def ship(best: Path, data: Path, out: Path) -> None:
    """Round, measure and write.

    Raises:
        DataError: the prepared set is not the one that the weights were trained on.
    """
    weights = load_weights(best)
    store = ChipStore.open(data)
    if weights.card.data["split_hash"] != store.split_hash:
        raise DataError(f"{data}: another split than the one that {best} was trained on")
    # The measured template may have been refined since the run; its pixels are the same.
    geometry = utkface_contract(weights.card.contract.size)
    contract = replace(weights.card.contract, template=geometry.template)
    card = replace(
        weights.card,
        contract=contract,
        limits=LIMITS,
        terms=RESEARCH_TERMS,
        metrics={"best epoch (val)": weights.card.metrics["val"]},
    )
    save_weights(out, Weights(card, weights.state, weights.fingerprints), half=True)
    for split in ("val", "test"):
        for flip in (False, True):
            for source, metrics in _measure(out, store, split, flip).items():
                name = f"{source} {split}{FLIPPED if flip else ''}"
                card = card.with_metrics(name, metrics)
                print(f"{name}: MAE {metrics['mae']:.3f}, gender {metrics['gender_accuracy']:.4f}")
    save_weights(out, Weights(card, weights.state, weights.fingerprints), half=True)
    size = out.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{out}: {size} bytes is over the limit of {MAX_BYTES}")
    print(f"{out}: {size} bytes")
    for graph in write_skeletons(card, out.parent / SKELETONS):
        print(f"{graph}: {graph.stat().st_size} bytes")


def _measure(path: Path, store: ChipStore, split: str, flip: bool) -> dict[str, dict[str, Any]]:
    """Figures of the stored file by source, and within each by age range."""
    predictor = load_predictor(path, flip=flip)
    faces = store.split(split)
    predictions = predict_faces(predictor, faces, SilentReporter(), split)

    def figures(rows: NDArray[np.int64]) -> Metrics:
        return score(faces.ages[rows], faces.genders[rows], predictions.take(rows))

    found: dict[str, dict[str, Any]] = {}
    for source in faces.source_names:
        own = faces.of_source(source)
        by_range = {}
        for index, name in enumerate(RANGE_NAMES):
            rows = np.flatnonzero(own & (faces.ranges == index))
            if len(rows):
                metrics = figures(rows)
                by_range[name] = {
                    "n": metrics.n,
                    "mae": round(metrics.mae, 2),
                    "gender_accuracy": round(metrics.gender_accuracy, 3),
                }
        found[source] = {
            "measured": datetime.date.today().isoformat(),
            **figures(np.flatnonzero(own)).to_dict(),
            "by_range": by_range,
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
