"""Who answers in an evaluation: weights, an exported file, or a table of another program."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import Device
from utkage.core.errors import DataError, UsageError
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.faces.contract import CropContract, utkface_contract
from utkage.models.export_metadata import ONNX_SUFFIX
from utkage.models.locate import resolve_weights

if TYPE_CHECKING:
    from utkage.evaluation.labelled_predictions import LabelledPredictions
    from utkage.models.card import Card
    from utkage.prediction.chip_predictor import ChipPredictor

COLUMNS = ("file", "age", "p_female")
NUMBERS_SIZE = 160


@dataclass(frozen=True)
class Numbers:
    """Somebody else's answers.

    Attributes:
        rows: Age in years and P(female) by file name.
    """

    rows: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class PredictionSource:
    """What gives the answers of an evaluation.

    Attributes:
        path: The file.
        origin: How it was chosen.
        predictor: Answers for chips; None for a table.
        numbers: The table; None for a predictor.
        learned: Fingerprints of the pictures that were learned from; None where the file does not
            say.
    """

    path: Path
    origin: str
    predictor: ChipPredictor | None
    numbers: Numbers | None
    learned: NDArray[np.int32] | None

    @property
    def card(self) -> Card | None:
        """The card of the weights, if there is one."""
        return None if self.predictor is None else self.predictor.card

    @property
    def contract(self) -> CropContract:
        """How faces are to be cut; a table does not look at them."""
        return utkface_contract(NUMBERS_SIZE) if self.card is None else self.card.contract

    def answer(self, faces: LabelledChips, reporter: Reporter) -> LabelledPredictions:
        """Answers for all faces, or for those that a table has.

        Raises:
            DataError: a table has none of the faces.
        """
        from utkage.evaluation.labelled_predictions import answered, labelled_numbers
        from utkage.prediction.chip_predictor import predict_faces

        if self.predictor is not None:
            label = f"evaluating {self.path.name}"
            return answered(faces, predict_faces(self.predictor, faces, reporter, label))
        assert self.numbers is not None
        rows = [_row_of(self.numbers, faces, index) for index in range(len(faces))]
        missing = np.array([row is None for row in rows])
        if missing.all():
            raise DataError(
                f"{self.path}: has none of the {len(faces)} faces; its column 'file' must hold "
                f"names such as {faces.names[0]}"
            )
        columns = np.array([(np.nan, np.nan) if row is None else row for row in rows])
        known = np.where(missing[:, None], 0.0, columns)
        every = labelled_numbers(faces, known[:, 0], known[:, 1])
        return every.take(np.flatnonzero(~missing)) if missing.any() else every


def open_prediction_source(choice: str, device: str | Device, *, flip: bool) -> PredictionSource:
    """Open what a user named.

    Args:
        choice: As in ``models.locate.resolve_weights``; or a ``.onnx`` file of ``export``, or a
            ``.csv`` with the columns file, age and p_female.
        device: As in ``--device``.
        flip: Average each answer with that for the mirrored chip; an exported file has its own way.

    Raises:
        UsageError: there is no such file.
        WeightsError: the file is not ours.
        DataError: the table cannot be read.
    """
    from utkage.prediction.loading import load_predictor

    resolved = resolve_weights(choice)
    path = resolved.path
    if path.suffix == ".csv":
        return PredictionSource(path, "answers of another program", None, read_numbers(path), None)
    exported = path.suffix == ONNX_SUFFIX
    predictor = load_predictor(resolved, device=device, flip=flip or exported)
    learned = resolved.fingerprints
    # Files that were exported by former versions do not say.
    known = len(learned) > 0 or not exported
    return PredictionSource(path, resolved.origin, predictor, None, learned if known else None)


def read_numbers(path: Path) -> Numbers:
    """Read a table with the columns file, age (years) and p_female (0..1).

    Raises:
        DataError: a column is missing, a value is not such a number, or a file comes twice.
    """
    rows: dict[str, tuple[float, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            lacking = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if lacking:
                raise DataError(
                    f"{path}: lacks the column {lacking[0]!r}; it needs file,age,p_female"
                )
            for line in table:
                where = f"{path}, line {table.line_num}"
                name, age, female = (line[column] or "" for column in COLUMNS)
                if name in rows:
                    raise DataError(f"{where}: {name} comes twice")
                rows[name] = (_number(age, 0, 150, where), _number(female, 0, 1, where))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    return Numbers(rows)


def _number(text: str, low: float, high: float, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise DataError(f"{where}: {text!r} is not a number from {low} to {high}")
    return value


def _row_of(numbers: Numbers, faces: LabelledChips, index: int) -> tuple[float, float] | None:
    name = faces.names[index]
    for key in (f"{faces.sources[index]}/{name}", name, Path(name).name):
        if key in numbers.rows:
            return numbers.rows[key]
    return None


def require_one_crop(first: PredictionSource, others: list[PredictionSource]) -> None:
    """Refuse to compare predictors that want their faces cut in different ways.

    Raises:
        UsageError: their landmarks lie elsewhere.
    """
    for other in others:
        if first.card is None or other.card is None:
            continue
        if not first.contract.fits(other.contract):
            raise UsageError(
                f"`compare` {other.path}: wants its faces cut otherwise than {first.path}; "
                "evaluate each by itself"
            )
