"""From a weights file to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError, UsageError
from utkage.engines.device import choose_device, is_cpu
from utkage.engines.inference.predictor import ChipPredictor, TorchPredictor
from utkage.models.locate import resolve_weights
from utkage.models.onnx_metadata import ONNX_SUFFIX
from utkage.models.weights import load_weights, read_card

if TYPE_CHECKING:
    import torch

ENGINES = ("auto", "onnx", "torch")


def load_predictor(
    weights: Path | str | None = None,
    *,
    device: str | torch.device = "cpu",
    flip: bool = True,
    engine: str = "auto",
    threads: int = 0,
) -> ChipPredictor:
    """Load a weights file, or an exported ONNX file, and make it answer.

    >>> predictor = load_predictor()
    >>> predictor.card.system
    'multitask'

    Args:
        weights: As in ``models.locate.resolve_weights``: a file or run folder, ``"shipped"`` or
            ``"auto"``; None for the weights in the package.
        device: As in ``engines.device.choose_device``, such as ``"auto"``; or a torch device.
        flip: Average each answer with that for the mirrored chip. An ONNX file answers as it was
            written.
        engine: ``"onnx"`` (ONNX Runtime on the processor, no torch), ``"torch"``, or ``"auto"``:
            onnx for ONNX files, and on the processor for backbones that the package has a graph
            of, else torch. Both answer the same.
        threads: Of ONNX Runtime for one batch; 0 lets it choose. torch is left as it is.

    Raises:
        UsageError: no such file, or an engine that cannot run it on that device.
        WeightsError: not a file of ours.
    """
    if engine not in ENGINES:
        raise ConfigError(f"--engine {engine}: choose one of {', '.join(ENGINES)}")
    path, _ = resolve_weights("shipped" if weights is None else str(weights))
    if engine == "torch":
        return _torch_predictor(path, device, flip)
    on_cpu = is_cpu(device)
    if engine == "onnx" and not on_cpu:
        raise UsageError(f"--engine onnx runs on the processor, not on {device}; use --device cpu")
    if path.suffix == ONNX_SUFFIX:
        from utkage.engines.inference.onnx_predictor import open_onnx_file

        return open_onnx_file(path, threads, flip=flip)
    from utkage.engines.inference.skeleton import find_skeleton, open_with_skeleton

    card = read_card(path)
    skeleton = find_skeleton(card, flip)
    if skeleton is not None and on_cpu:
        return open_with_skeleton(skeleton, path, card, threads)
    if engine == "onnx":
        raise UsageError(
            f"{path}: the package has no ONNX graph of {card.backbone or card.system}; write one "
            f"with 'utkage export --weights {path}' and give that file, or use --engine torch"
        )
    return _torch_predictor(path, device, flip)


def _torch_predictor(path: Path, device: str | torch.device, flip: bool) -> TorchPredictor:
    from utkage.models.systems import build_graph

    if path.suffix == ONNX_SUFFIX:
        raise UsageError(f"{path}: is an ONNX file; use --engine onnx, or the weights behind it")
    if isinstance(device, str):
        device, _ = choose_device(device)
    loaded = load_weights(path)
    return TorchPredictor(build_graph(loaded, str(path), flip=flip), loaded.card, device)
