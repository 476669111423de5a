"""From a weights file to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from utkage.engines.inference.predictor import TorchPredictor
from utkage.models.locate import shipped_weights
from utkage.models.weights import build_network, load_weights

if TYPE_CHECKING:
    import torch


def load_predictor(
    weights: Path | str | None = None,
    *,
    device: str | torch.device = "cpu",
    flip: bool = True,
) -> TorchPredictor:
    """Load a weights file and make it answer.

    >>> predictor = load_predictor()
    >>> predictor.card.system
    'multitask'

    Args:
        weights: A file that ``utkage train`` wrote; None for the weights in the package.
        device: A torch device.
        flip: Average each answer with that for the mirrored chip.

    Raises:
        UsageError: no such file.
        WeightsError: not a weights file of ours.
    """
    import torch

    from utkage.models.chip_graph import ChipGraph

    path = shipped_weights() if weights is None else Path(weights)
    loaded = load_weights(path)
    network = build_network(loaded, str(path))
    graph = ChipGraph(network, loaded.card.point_estimate, flip=flip)
    return TorchPredictor(graph, loaded.card, torch.device(device))
