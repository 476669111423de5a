"""Say in the card of the shipped weights what came of training them anew.

    python tools/note_repetition.py runs/best --trained FILE --data both --noted "a clean clone"

Two weights files as `train` leaves them, without an age prior, answer for the validation faces,
mirrored chips averaged in: those of the run, and those that became the shipped ones. The test split
is not looked at. Run `make docs` afterwards.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from tools.release.ship import SHIPPED, require_split
from utkage.core.errors import UtkageError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.metrics import Metrics, score, score_sources
from utkage.models.locate import BEST_NAME
from utkage.models.safetensors_file import rewrite_card
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor


def main() -> int:
    """Measure both and note it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="run folder of utkage train")
    parser.add_argument("--trained", type=Path, required=True, help="what became the shipped ones")
    parser.add_argument("--data", type=Path, required=True, help="the prepared set of both")
    parser.add_argument("--noted", required=True, help="how it was done, in words")
    arguments = parser.parse_args()
    again = arguments.run / BEST_NAME
    try:
        card = read_card(SHIPPED)
        said = repetition(again, arguments.trained, arguments.data, arguments.noted)
        rewrite_card(SHIPPED, replace(card, repetitions=(*card.repetitions, said)), SHIPPED)
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    print(said)
    return 0


def repetition(again: Path, trained: Path, data: Path, noted: str) -> str:
    """One training anew, and its validation figures beside those of the first.

    Raises:
        DataError: one of them had another split.
    """
    store = ChipStore.open(data)
    card = read_card(again)
    require_split(card, store, again)
    require_split(read_card(trained), store, trained)
    training = card.training
    own, first = figures(again, store), figures(trained, store)
    compared = "; ".join(f"{name}: {beside(own[name], first[name])}" for name in own)
    return (
        f"{training['command']}, begun {training['started'][:10]} on {training['device']}, "
        f"{noted}. Validation faces, flip averaging, before an age prior; in brackets these "
        f"weights before theirs. {compared}"
    )


def figures(path: Path, store: ChipStore) -> dict[str, Metrics]:
    """On the validation split: of all faces, and of each source."""
    faces = store.split("val")
    predictions = predict_faces(load_predictor(path), faces, SilentReporter(), "val")
    whole = score(faces.ages, faces.genders, predictions)
    return {f"all {len(faces)}": whole, **score_sources(faces, predictions)}


def beside(own: Metrics, first: Metrics) -> str:
    """The figures of one set of faces."""
    return (
        f"MAE {own.mae:.2f} ({first.mae:.2f}) years, "
        f"ranges {own.range_accuracy:.1%} ({first.range_accuracy:.1%}), "
        f"gender {own.gender_accuracy:.1%} ({first.gender_accuracy:.1%})"
    )


if __name__ == "__main__":
    sys.exit(main())
