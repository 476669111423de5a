"""Note in the card of the shipped weights how close another training of their recipe came.

Two weights files as ``train`` writes them, without an age prior, are compared on the validation
faces with flip averaging: those of the other run, and those that became the shipped ones.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools.release.ship import require_split
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.metrics import Metrics, score, score_sources
from utkage.models.locate import BEST_NAME
from utkage.models.weights import rewrite_card
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor


def note_repetition(shipped: Path, run: Path, trained: Path, data: Path, noted: str) -> None:
    """Compare, and add a line to the card of the file ``shipped``.

    Args:
        shipped: The weights file whose card is extended.
        run: Run folder of the other training.
        trained: The weights that became the shipped ones, before their age prior.
        data: The prepared set of both.
        noted: A clause that says how the other training was done.

    Raises:
        DataError: one of them was trained on another split.
    """
    line = compared(run / BEST_NAME, trained, data, noted)
    card = read_card(shipped)
    rewrite_card(shipped, replace(card, repetitions=(*card.repetitions, line)), shipped)
    print(line)


def compared(repeated: Path, trained: Path, data: Path, noted: str) -> str:
    """One line: how ``repeated`` was trained, and its metrics beside those of ``trained``."""
    store = ChipStore.open(data)
    for path in (repeated, trained):
        require_split(read_card(path), store, path)
    training = read_card(repeated).training
    own, first = _metrics(repeated, store), _metrics(trained, store)
    metrics = "; ".join(f"{name}: {_beside(own[name], first[name])}" for name in own)
    return (
        f"{training['command']}, started {training['started'][:10]} on {training['device']}, "
        f"{noted}. Validation faces, flip averaging, before an age prior; in brackets these "
        f"weights before theirs. {metrics}"
    )


def _metrics(path: Path, store: ChipStore) -> dict[str, Metrics]:
    """Metrics on the validation split: of all faces, and by source."""
    faces = store.split("val")
    predictions = predict_faces(load_predictor(path), faces, SilentReporter(), "val")
    whole = score(faces.ages, faces.genders, predictions)
    return {f"all {len(faces)}": whole, **score_sources(faces, predictions)}


def _beside(own: Metrics, first: Metrics) -> str:
    return (
        f"MAE {own.mae:.2f} ({first.mae:.2f}) years, "
        f"ranges {own.range_accuracy:.1%} ({first.range_accuracy:.1%}), "
        f"gender {own.gender_accuracy:.1%} ({first.gender_accuracy:.1%})"
    )
