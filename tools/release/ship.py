"""Turn the best weights of a run into the shipped ones: float16, calibrated, measured.

    python tools/ship_weights.py runs/first --data prepared
    python tools/ship_weights.py --again --data prepared

The stored file is what gets calibrated and measured, after rounding: calibrated on the validation
split of the prepared set that it was trained on, measured there and on the test split. ``--again``
does so for the file that is shipped already; ``--point-estimate`` changes what is answered,
``--age-prior`` corrects how common each age is taken to be, on the validation split as well. Each
run is a look at the test split: note it in docs/model-card.md. Beside the file go the graphs by
which ONNX Runtime runs it without torch; ``tools/write_templates.py`` writes these alone.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError, UtkageError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.calibrate import fit_weights, with_age_prior
from utkage.evaluation.evaluate import EvaluateRequest, evaluate
from utkage.evaluation.labelled_faces import FaceSelection, labelled_faces
from utkage.evaluation.metrics import score
from utkage.exporting.graph_template import write_templates
from utkage.faces.contract import utkface_contract
from utkage.models.card import POINT_ESTIMATES, RESEARCH_TERMS, Card
from utkage.models.locate import BEST_NAME, SHIPPED_NAME
from utkage.models.safetensors_file import rewrite_card, save_weights
from utkage.models.weights import Weights
from utkage.models.weights_files import load_weights
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.graph_template import TEMPLATES
from utkage.prediction.loading import load_predictor

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = ROOT / "src" / "utkage" / "shipped" / SHIPPED_NAME
MAX_BYTES = 10_000_000
FLIPPED = " (flip averaging)"
GROUP_AXES = ("range", "gender", "race")

LIMITS = (
    "Ages are apparent ages as UTKFace labels them, partly by an algorithm; they are no proof of "
    "age. Errors differ by age range: see the groups.",
    "Gender means the two labels of the data; it is least reliable for infants and toddlers.",
    "Trained on aligned, mostly frontal faces; profiles and covered faces give weak answers.",
)


def main() -> int:
    """Ship the best weights of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, nargs="?", help="run folder of utkage train")
    parser.add_argument("--again", action="store_true", help="calibrate and measure what is there")
    parser.add_argument("--data", type=Path, required=True, help="the prepared set of that run")
    parser.add_argument("--point-estimate", choices=POINT_ESTIMATES, help="as the run's by default")
    parser.add_argument("--age-prior", action="store_true", help="fit it first")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    if arguments.again == bool(arguments.run):
        parser.error("give the folder of a run, or --again")
    try:
        if arguments.run:
            store_half(arguments.run / BEST_NAME, arguments.data, arguments.out)
        measure(
            arguments.out,
            arguments.data,
            arguments.point_estimate,
            age_prior=arguments.age_prior,
        )
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def store_half(best: Path, data: Path, out: Path) -> None:
    """Round and write, with the limits and terms of shipped weights.

    Raises:
        DataError: the prepared set is not the one that the weights were trained on.
    """
    weights = load_weights(best)
    require_split(weights.card, ChipStore.open(data), best)
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


def measure(out: Path, data: Path, point_estimate: str | None, *, age_prior: bool) -> None:
    """Calibrate and measure a stored file, and write both into its card.

    Args:
        out: The file.
        data: The prepared set.
        point_estimate: The card's from now on; None leaves it.
        age_prior: Fit one before.

    Raises:
        DataError: the prepared set is not the one that the weights were trained on, or the file
            is too large.
    """
    weights, store = load_weights(out), ChipStore.open(data)
    require_split(weights.card, store, out)
    if point_estimate:
        weights = replace(weights, card=replace(weights.card, point_estimate=point_estimate))
    # With flip averaging, since that is how predict answers.
    faces = labelled_faces(
        FaceSelection(data=data, split="val"), weights.card.contract, SilentReporter()
    )
    vectors: dict[str, NDArray[np.float32]] = {}
    if age_prior:
        weights, vectors = with_age_prior(weights, faces, str(out), device="cpu")
    card = replace(
        weights.card,
        calibration=fit_weights(weights, faces, str(out), device="cpu"),
        limits=LIMITS,
    )
    rewrite_card(out, card, out, vectors)
    for split in ("val", "test"):
        for flip in (False, True):
            for source, metrics in _measure(out, store, split, flip).items():
                name = f"{source} {split}{FLIPPED if flip else ''}"
                card = card.with_metrics(name, metrics)
                print(f"{name}: MAE {metrics['mae']:.3f}, gender {metrics['gender_accuracy']:.4f}")
    for source in store.split("test").source_names:
        name = f"{source} test{FLIPPED}"
        card = card.with_metrics(name, {**card.metrics[name], **_intervals(out, data, source)})
    rewrite_card(out, card, out)
    size = out.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{out}: {size} bytes is over the limit of {MAX_BYTES}")
    print(f"{out}: {size} bytes")
    for graph in write_templates(card, out.parent / TEMPLATES):
        print(f"{graph}: {graph.stat().st_size} bytes")


def require_split(card: Card, store: ChipStore, origin: Path) -> None:
    """Refuse weights that were trained on another split.

    Args:
        card: Theirs.
        store: A prepared set.
        origin: Their file, for the message.

    Raises:
        DataError: as said.
    """
    if card.data["split_hash"] != store.split_hash:
        raise DataError(f"{store.folder}: another split than the one that {origin} was trained on")


def _measure(path: Path, store: ChipStore, split: str, flip: bool) -> dict[str, dict[str, Any]]:
    """Figures of the stored file by source."""
    predictor = load_predictor(path, flip=flip)
    faces = store.split(split)
    predictions = predict_faces(predictor, faces, SilentReporter(), split)
    found: dict[str, dict[str, Any]] = {}
    for source in faces.source_names:
        rows = np.flatnonzero(faces.of_source(source))
        metrics = score(faces.ages[rows], faces.genders[rows], predictions.take(rows))
        found[source] = {"measured": datetime.date.today().isoformat(), **metrics.to_dict()}
    return found


def _intervals(path: Path, data: Path, source: str) -> dict[str, Any]:
    """Every figure with its interval on the test faces of a source, and those of their groups."""
    with tempfile.TemporaryDirectory() as folder:
        result = evaluate(
            EvaluateRequest(
                data=data, source=source, weights=str(path), device="cpu", out=Path(folder)
            )
        )
    return {
        "figures": {
            found.name: {"words": found.label, **found.to_dict()} for found in result.populations
        },
        "groups": [group.to_dict() for axis in GROUP_AXES for group in result.groups.of_axis(axis)],
    }


if __name__ == "__main__":
    sys.exit(main())
