"""The predictor interface, and the torch implementation of it.

``evaluate``, ``predict`` and ``export`` know only ``ChipPredictor``: whatever answers for chips
can stand behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from utkage.engines.inference.predictions import Predictions
from utkage.models.card import Card

if TYPE_CHECKING:
    import torch

    from utkage.models.chip_graph import ChipGraph


class ChipPredictor(Protocol):
    """Answers for chips."""

    card: Card

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Answer for uint8 RGB chips (N, S, S, 3) of the card's contract."""


class TorchPredictor:
    """Runs a ``ChipGraph`` on a torch device."""

    def __init__(self, graph: ChipGraph, card: Card, device: torch.device) -> None:
        import torch

        self.card = card
        self._device = device
        self._graph = graph.eval().to(device).to(memory_format=torch.channels_last)

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Answer for uint8 RGB chips (N, S, S, 3)."""
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(np.require(chips, np.uint8, ["C", "W"])).to(self._device)
            outputs = [output.double().cpu().numpy() for output in self._graph(batch)]
        return Predictions(*outputs)


def predict_batches(
    predictor: ChipPredictor, batches: Iterable[NDArray[np.uint8]]
) -> Iterable[Predictions]:
    """Answer for one batch after another, lazily."""
    for batch in batches:
        yield predictor.predict_chips(batch)
