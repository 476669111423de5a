"""Turn the best weights of a run into the shipped ones: float16, measured, with a full card.

    python tools/ship_weights.py runs/first --data prepared

The stored file is what gets measured, after rounding, on the validation and test splits of the
prepared set that it was trained on.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from dataclasses import replace
from pathlib import Path

from utkage.core.errors import DataError, UtkageError
from utkage.data.store import ChipStore
from utkage.engines.evaluation.metrics import Metrics, score, score_sources
from utkage.engines.inference.loading import load_predictor
from utkage.engines.inference.predictions import Predictions
from utkage.faces.contract import utkface_contract
from utkage.models.locate import BEST_NAME, SHIPPED_NAME
from utkage.models.weights import Weights, load_weights, save_weights

SHIPPED = Path(__file__).resolve().parent.parent / "src" / "utkage" / "shipped" / SHIPPED_NAME
MAX_BYTES = 10_000_000
FLIPPED = " (flip averaging)"

LIMITS = (
    "Ages are apparent ages as UTKFace labels them, partly by an algorithm; they are no proof of "
    "age.",
    "Gender means the two labels of UTKFace; it is least reliable for infants and toddlers.",
    "Ages above 75 and between 36 and 60 have the largest errors.",
    "Chips are aligned frontal faces; profiles, heavy occlusion and faces under about 24 pixels "
    "give weak answers.",
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
        weights.card, contract=contract, limits=LIMITS, metrics={"best epoch (val)": weights.card.metrics["val"]}
    )
    save_weights(out, Weights(card, weights.state, weights.fingerprints), half=True)
    for split in ("val", "test"):
        for flip in (False, True):
            for source, metrics in _measure(out, store, split, flip).items():
                name = f"{source} {split}{FLIPPED if flip else ''}"
                card = card.with_metrics(
                    name, {"measured": datetime.date.today().isoformat(), **metrics.to_dict()}
                )
                print(f"{name}: MAE {metrics.mae:.3f}, gender {metrics.gender_accuracy:.4f}")
    save_weights(out, Weights(card, weights.state, weights.fingerprints), half=True)
    size = out.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{out}: {size} bytes is over the limit of {MAX_BYTES}")
    print(f"{out}: {size} bytes")


def _measure(path: Path, store: ChipStore, split: str, flip: bool) -> dict[str, Metrics]:
    """Figures of the stored file, by source."""
    predictor = load_predictor(path, flip=flip)
    faces = store.split(split)
    parts = [
        predictor.predict_chips(batch) for batch in faces.batches(128, predictor.card.contract.size)
    ]
    predictions = Predictions.concatenate(parts)
    by_source = score_sources(faces, predictions)
    return by_source or {faces.source_names[0]: score(faces.ages, faces.genders, predictions)}


if __name__ == "__main__":
    sys.exit(main())
