"""Say in the card of the shipped weights what came of training them anew.

    python tools/note_repetition.py runs/best --data both --noted "from a clean clone"

The run's weights and the shipped ones answer for the validation faces, mirrored chips averaged in;
the run's get an age prior and a calibration of their own first, as the shipped ones have. The test
split is not looked at. Run `make docs` afterwards.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from ship_weights import SHIPPED

from utkage.core.errors import DataError, UtkageError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.engines.evaluation.metrics import Metrics, score, score_sources
from utkage.engines.inference.loading import load_predictor
from utkage.engines.inference.predictor import predict_faces
from utkage.models.locate import BEST_NAME
from utkage.models.weights import load_weights, read_card, rewrite_card
from utkage.workflows.calibrate import Answering, fit_weights, with_age_prior
from utkage.workflows.labelled_faces import FaceChoice, labelled_faces


def main() -> int:
    """Measure both and note it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="run folder of utkage train")
    parser.add_argument("--data", type=Path, required=True, help="the prepared set of that run")
    parser.add_argument("--noted", required=True, help="how it was done, in words")
    arguments = parser.parse_args()
    try:
        card = read_card(SHIPPED)
        said = repetition(arguments.run / BEST_NAME, arguments.data, arguments.noted)
        rewrite_card(SHIPPED, replace(card, repetitions=(*card.repetitions, said)), SHIPPED)
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    print(said)
    return 0


def repetition(again: Path, data: Path, noted: str) -> str:
    """One training anew, and its validation figures beside those of the shipped weights.

    Raises:
        DataError: the run had another split.
    """
    store = ChipStore.open(data)
    training = read_card(again).training
    if read_card(again).data["split_hash"] != store.split_hash:
        raise DataError(f"{again}: was not trained on {data}")
    with tempfile.TemporaryDirectory() as folder:
        finished = Path(folder) / again.name
        finish(again, data, finished)
        own, shipped = figures(finished, store), figures(SHIPPED, store)
    compared = "; ".join(
        f"{name}: {beside(own[name], shipped[name])}" for name in sorted(own, key=len)
    )
    return (
        f"{training['command']}, begun {training['started'][:10]} on {training['device']}, "
        f"{noted}; validation faces with flip averaging, in brackets these weights. {compared}"
    )


def finish(weights_file: Path, data: Path, out: Path) -> None:
    """Give weights an age prior and a calibration, fitted to the validation split."""
    weights = load_weights(weights_file)
    faces = labelled_faces(FaceChoice(data, "val"), weights.card.contract, SilentReporter())
    how = Answering("cpu")
    weights, vectors = with_age_prior(weights, faces, str(weights_file), how)
    calibration = fit_weights(weights, faces, str(weights_file), how)
    rewrite_card(weights_file, replace(weights.card, calibration=calibration), out, vectors)


def figures(weights_file: Path, store: ChipStore) -> dict[str, Metrics]:
    """On the validation split: of all faces, and of each source."""
    faces = store.split("val")
    predictor = load_predictor(weights_file)
    predictions = predict_faces(predictor, faces, SilentReporter(), "val")
    whole = score(faces.ages, faces.genders, predictions)
    return {f"all {len(faces)}": whole, **score_sources(faces, predictions)}


def beside(own: Metrics, shipped: Metrics) -> str:
    """The figures of one set of faces."""
    return (
        f"MAE {own.mae:.2f} ({shipped.mae:.2f}) years, "
        f"ranges {own.range_accuracy:.1%} ({shipped.range_accuracy:.1%}), "
        f"gender {own.gender_accuracy:.1%} ({shipped.gender_accuracy:.1%})"
    )


if __name__ == "__main__":
    sys.exit(main())
