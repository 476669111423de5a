"""From a weights file to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from utkage.engines.device import choose_device
from utkage.engines.inference.predictor import TorchPredictor
from utkage.models.locate import resolve_weights
from utkage.models.systems import build_graph
from utkage.models.weights import load_weights

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
        weights: As in ``models.locate.resolve_weights``: a file or run folder, ``"shipped"`` or
            ``"auto"``; None for the weights in the package.
        device: As in ``engines.device.choose_device``, such as ``"auto"``; or a torch device.
        flip: Average each answer with that for the mirrored chip.

    Raises:
        UsageError: no such file.
        WeightsError: not a weights file of ours.
    """
    path, _ = resolve_weights("shipped" if weights is None else str(weights))
    if isinstance(device, str):
        device, _ = choose_device(device)
    loaded = load_weights(path)
    return TorchPredictor(build_graph(loaded, str(path), flip=flip), loaded.card, device)
