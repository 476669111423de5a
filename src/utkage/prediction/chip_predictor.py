"""``ChipPredictor``, the interface on which all tools depend, and its torch implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.faces.contract import CropContract
from utkage.models.card import Card
from utkage.prediction.predictions import Predictions

if TYPE_CHECKING:
    import torch
    from torch import nn

# Chips per batch. With flip averaging at 160 pixels, a batch of 64 needs about 1 GB in ONNX Runtime
# and in torch, and one of 128 needs 2 GB; 128 is no faster.
BATCH = 64


class ChipPredictor(Protocol):
    """Predicts age and gender from chips.

    Attributes:
        card: Card of the weights.
        engine: Library that runs the network, ``"torch"`` or ``"onnx"``.
    """

    card: Card
    engine: str

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Predict from uint8 RGB chips (N, S, S, 3) of the card's contract.

        Raises:
            UsageError: another shape or type.
        """


class TorchPredictor:
    """Runs a graph from chips to ``ChipOutputs`` (``models.systems``) on a torch device."""

    engine = "torch"

    def __init__(self, graph: nn.Module, card: Card, device: torch.device) -> None:
        import torch

        self.card = card
        self._device = device
        self._graph = graph.eval().to(device).to(memory_format=torch.channels_last)

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Predict from chips, as ``ChipPredictor``."""
        import torch

        with torch.inference_mode():
            outputs = [output.cpu().double().numpy() for output in self._graph(self._batch(chips))]
        return Predictions(*outputs, calibration=self.card.calibration)

    @property
    def feeds_ranges(self) -> bool:
        """Whether these weights predict an age range first and feed it to an age estimator."""
        return hasattr(self._graph, "ages_given")

    def ages_given_ranges(
        self, chips: NDArray[np.uint8], ranges: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Ages in years, (N,), for the range indices ``ranges``, (N,); needs ``feeds_ranges``."""
        import torch

        with torch.inference_mode():
            given = torch.from_numpy(ranges).to(self._device)
            ages: torch.Tensor = self._graph.ages_given(self._batch(chips), given)  # type: ignore[operator]
        return np.asarray(ages.cpu().double().numpy())

    def _batch(self, chips: NDArray[np.uint8]) -> torch.Tensor:
        import torch

        require_chips(chips, self.card.contract)
        return torch.from_numpy(np.require(chips, np.uint8, ["C", "W"])).to(self._device)


def predict_faces(
    predictor: ChipPredictor, faces: LabelledChips, reporter: Reporter, label: str
) -> Predictions:
    """Predict all labelled faces, in their order, in batches with progress.

    Raises:
        WeightsError: a prediction is not possible, such as an age that is NaN.
    """
    parts: list[Predictions] = []
    with reporter.progress(label, len(faces)) as task:
        for batch in faces.batches(BATCH, predictor.card.contract):
            parts.append(predictor.predict_chips(batch))
            parts[-1].require_possible()
            task.advance(len(batch))
    return Predictions.concatenate(parts)


def require_chips(chips: NDArray[np.uint8], contract: CropContract) -> None:
    """Refuse arrays from which a network would predict nonsense.

    Raises:
        UsageError: not uint8, or not of the shape (N, size, size, 3).
    """
    size = contract.size
    if chips.dtype != np.uint8 or chips.ndim != 4 or chips.shape[1:] != (size, size, 3):
        raise UsageError(
            f"chips are {chips.dtype} {chips.shape}; these weights take uint8 RGB "
            f"(N, {size}, {size}, 3) with values 0..255"
        )
