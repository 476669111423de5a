"""Where the predictions of an evaluation come from: weights, an exported file, or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import Device
from utkage.core.errors import DataError, WeightsError
from utkage.core.reporter import Reporter
from utkage.core.text import counted
from utkage.data.chips import LabelledChips
from utkage.evaluation.inputs.labelled_predictions import (
    Floats,
    LabelledPredictions,
    labelled_numbers,
    with_labels,
)
from utkage.evaluation.inputs.prediction_tables import (
    TableIndex,
    WantedNames,
    is_table,
    read_table,
)
from utkage.faces.contract import CropContract, utkface_contract
from utkage.models.card import Card
from utkage.models.export_metadata import is_onnx
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.chip_predictor import ChipPredictor, predict_faces

# Size of the chips that photographs are cropped to for a table, which does not use their pixels.
TABLE_SIZE = 160


@dataclass(frozen=True, kw_only=True)
class PredictionSource:
    """A file that predictions come from; it has either a predictor or a table.

    Attributes:
        weights: The file, and how it was chosen.
        predictor: Predictor of chips; None for a table.
        table: Table with predictions of ``predict`` or another program, read when it is needed;
            None for a predictor.
        threshold: Age T of the P(age >= T) in the table, years; None without.
        training_images: Fingerprints of the training images, (n,); None where unknown.
    """

    weights: LoadedWeights
    predictor: ChipPredictor | None = None
    table: Path | None = None
    threshold: int | None = None
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
            DataError: the table contains none of the faces, or a row that fits several.
            WeightsError: a prediction is not possible, such as an age that is NaN.
        """
        if self.predictor is not None:
            label = f"evaluating {self.path.name}"
            try:
                return with_labels(faces, predict_faces(self.predictor, faces, reporter, label))
            except WeightsError as error:
                raise WeightsError(f"{self.path}: {error}") from error
        assert self.table is not None
        keys = list(zip(faces.sources, faces.names, strict=True))
        wanted = WantedNames(keys)
        table = read_table(self.table, wanted)
        match = TableIndex(table, wanted).match
        rows = _own_rows([match(*key) for key in keys], faces, self.path)
        known = np.flatnonzero([row is not None for row in rows])
        if not len(known):
            raise DataError(
                f"{self.path}: contains none of the {len(faces)} faces; its names must be like "
                f"{faces.names[0]}"
            )
        if count := table.negative_ages:
            reporter.warn(f"{self.path}: {counted(count, 'age')} below 0 counted as 0")
        unknown = (float("nan"),) * (2 if table.threshold is None else 3)
        age, p_female, *at_least = np.array([row or unknown for row in rows]).T
        for name, values in (("age", age), ("gender", p_female)):
            if without := int(np.isnan(values[known]).sum()):
                reporter.warn(
                    f"{self.path}: {without} of {counted(len(known), 'face')} have no predicted "
                    f"{name}; its metrics are of the others"
                    if without < len(known)
                    else f"{self.path}: no predicted {name}; only the other metrics are measured"
                )
        found = labelled_numbers(faces, age, p_female, gender_is_hard=table.gender_is_hard)
        found = found.take(known)
        if table.threshold is None:
            return found
        return self._with_probabilities(found, table.threshold, at_least[0][known], reporter)

    def _with_probabilities(
        self, faces: LabelledPredictions, age: int, at_least: Floats, reporter: Reporter
    ) -> LabelledPredictions:
        """The faces with P(age >= ``age``), (n,), if every estimated age has one beside it."""
        if without := int((np.isnan(at_least) & ~np.isnan(faces.age)).sum()):
            reporter.warn(
                f"{self.path}: {without} of {counted(len(faces), 'face')} have no p_at_least, so "
                "the column is not used"
            )
            return faces
        return replace(faces, at_least={age: at_least})


def _own_rows(
    matches: Sequence[tuple[int, tuple[float, ...] | None]], faces: LabelledChips, path: Path
) -> list[tuple[float, ...] | None]:
    """The row of each face, from those that ``TableIndex.match`` found.

    A row that fits several pictures belongs to the one that it fits best: with ``a/1.jpg`` and
    ``b/1.jpg``, the row ``a/1.jpg`` says nothing about the second.

    Raises:
        DataError: a row fits two different pictures equally well.
    """
    # Rows with equal numbers are objects of their own.
    best: dict[int, int] = {}
    for fit, row in matches:
        best[id(row)] = min(fit, best.get(id(row), fit))
    owners: dict[int, int] = {}
    found: list[tuple[float, ...] | None] = []
    for place, (fit, row) in enumerate(matches):
        if row is None or fit > best[id(row)]:
            found.append(None)
            continue
        found.append(row)
        owner = owners.setdefault(id(row), place)
        if faces.pixel_hashes[owner] != faces.pixel_hashes[place]:
            one, other = (f"{faces.sources[at]}/{faces.names[at]}" for at in (owner, place))
            raise DataError(
                f"{path}: one row fits both {one} and {other}; write their folders before the names"
            )
    return found


def open_prediction_source(
    choice: str | LoadedWeights, device: Device, *, flip: bool
) -> PredictionSource:
    """Open weights, an exported file or a table.

    Args:
        choice: As in ``models.locate.resolve_weights``; or a ``.onnx`` file of ``export``, or
            a table of predictions, such as the rows of ``predict`` (``read_table``).
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
    if is_table(path):
        weights = LoadedWeights(path, "a table of predictions")
        # Faces may have to be cropped first, so a table that cannot be read ends the command now.
        threshold = read_table(path, wanted=()).threshold
        return PredictionSource(weights=weights, table=path, threshold=threshold)
    exported = is_onnx(path)
    predictor = load_predictor(weights, device=device, flip=flip or exported)
    # Files that former versions exported have no fingerprints.
    unknown = exported and not len(weights.fingerprints)
    training_images = None if unknown else weights.fingerprints
    return PredictionSource(weights=weights, predictor=predictor, training_images=training_images)
