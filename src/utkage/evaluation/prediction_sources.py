"""Where the predictions of an evaluation come from: weights, an exported file, or a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import Device
from utkage.core.errors import DataError
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.labelled_predictions import (
    LabelledPredictions,
    labelled_numbers,
    with_labels,
)
from utkage.faces.contract import CropContract, utkface_contract
from utkage.models.card import Card
from utkage.models.export_metadata import ONNX_SUFFIX
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.chip_predictor import ChipPredictor, predict_faces

COLUMNS = ("file", "age", "p_female")
# Size of the chips that photographs are cropped to for a table, which does not use their pixels.
TABLE_SIZE = 160

# Age in years and P(female) by file name.
PredictionTable = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class PredictionSource:
    """A file that predictions come from; it has either a predictor or a table.

    Attributes:
        weights: The file, and how it was chosen.
        predictor: Predictor of chips; None for a table.
        table: Predictions of another program; None for a predictor.
        training_images: Fingerprints of the training images, (n,); None where unknown.
    """

    weights: LoadedWeights
    predictor: ChipPredictor | None = None
    table: PredictionTable | None = None
    training_images: NDArray[np.int32] | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.weights.path

    @property
    def label(self) -> str:
        """Folder and file name, because the files of all runs have the same names."""
        return f"{self.path.parent.name}/{self.path.name}".lstrip("/")

    @property
    def card(self) -> Card | None:
        """The card of the weights; None for a table."""
        return None if self.predictor is None else self.predictor.card

    @property
    def contract(self) -> CropContract:
        """How faces are cropped."""
        return utkface_contract(TABLE_SIZE) if self.card is None else self.card.contract

    def predict(self, faces: LabelledChips, reporter: Reporter) -> LabelledPredictions:
        """Predictions for all faces, or for those that the table contains.

        Raises:
            DataError: the table contains none of the faces.
        """
        if self.predictor is not None:
            label = f"evaluating {self.path.name}"
            return with_labels(faces, predict_faces(self.predictor, faces, reporter, label))
        rows = [self._row_of(*key) for key in zip(faces.sources, faces.names, strict=True)]
        known = np.flatnonzero([row is not None for row in rows])
        if not len(known):
            raise DataError(
                f"{self.path}: contains none of the {len(faces)} faces; its column 'file' must "
                f"hold names such as {faces.names[0]}"
            )
        age, p_female = np.array([row or (0.0, 0.0) for row in rows]).T
        return labelled_numbers(faces, age, p_female).take(known)

    def _row_of(self, source: str, name: str) -> tuple[float, float] | None:
        assert self.table is not None
        keys = (f"{source}/{name}", name, Path(name).name)
        return next((self.table[key] for key in keys if key in self.table), None)


def open_prediction_source(
    choice: str | LoadedWeights, device: Device, *, flip: bool
) -> PredictionSource:
    """Open weights, an exported file or a table.

    Args:
        choice: As in ``models.locate.resolve_weights``; or a ``.onnx`` file of ``export``, or a
            ``.csv`` with the columns file, age and p_female.
        device: Device that runs the weights.
        flip: Average each prediction with that for the mirrored chip; an exported file has this
            setting inside.

    Raises:
        UsageError: there is no such file.
        WeightsError: not a weights file of utkage.
        DataError: the table cannot be read.
    """
    from utkage.prediction.loading import load_predictor

    weights = resolve_weights(choice)
    path = weights.path
    if path.suffix == ".csv":
        weights = LoadedWeights(path, "predictions of another program")
        return PredictionSource(weights=weights, table=read_table(path))
    exported = path.suffix == ONNX_SUFFIX
    predictor = load_predictor(weights, device=device, flip=flip or exported)
    # Files that former versions exported have no fingerprints.
    unknown = exported and not len(weights.fingerprints)
    training_images = None if unknown else weights.fingerprints
    return PredictionSource(weights=weights, predictor=predictor, training_images=training_images)


def read_table(path: Path) -> PredictionTable:
    """Read a table with the columns file, age (years) and p_female (0..1).

    Raises:
        DataError: a column is missing, a value is not a number in range, or a file is repeated.
    """
    rows: dict[str, tuple[float, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}: the column {missing[0]!r} is missing; the table needs "
                    "file,age,p_female"
                )
            for line in table:
                where = f"{path}, line {table.line_num}"
                name, age, female = (line[column] or "" for column in COLUMNS)
                if name in rows:
                    raise DataError(f"{where}: {name} is repeated")
                rows[name] = (_number(age, 0, 150, where), _number(female, 0, 1, where))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    return rows


def _number(text: str, low: float, high: float, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise DataError(f"{where}: {text!r} is not a number from {low} to {high}")
    return value
