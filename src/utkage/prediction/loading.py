"""From a weights file to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.device import Device, resolve_device
from utkage.core.errors import ConfigError, UsageError
from utkage.core.threads import use_one_thread_after_fork
from utkage.models.export_metadata import is_onnx
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.chip_predictor import ChipPredictor, TorchPredictor
from utkage.prediction.onnx_predictor import find_template, open_onnx_file, open_with_template

if TYPE_CHECKING:
    import torch

ENGINES = ("auto", "onnx", "torch")


def load_predictor(
    weights: Path | str | LoadedWeights | None = None,
    *,
    device: str | torch.device | Device = "cpu",
    flip: bool = True,
    engine: str = "auto",
    threads: int = 0,
) -> ChipPredictor:
    """Load a weights file, or an exported ONNX file, for prediction.

    >>> predictor = load_predictor()
    >>> predictor.card.system
    'multitask'

    Args:
        weights: As in ``models.locate.resolve_weights``: a file or run, ``"shipped"``,
            ``"latest"`` or ``"auto"``; None for the weights in the package.
        device: As in ``core.device.resolve_device``, such as ``"auto"``; or a torch device.
        flip: Whether each prediction is averaged with that of the mirrored chip. An exported file
            averages or not as it was written.
        engine: ``"onnx"`` (ONNX Runtime on the CPU, without torch), ``"torch"``, or ``"auto"``:
            onnx for ONNX files, and on the CPU for backbones with a graph template in the
            package, else torch. Both give the same predictions.
        threads: Threads of ONNX Runtime per batch; 0 lets it choose. torch keeps its own.

    Raises:
        UsageError: no such file, or an engine that cannot run it on that device.
        WeightsError: not a utkage weights file.
    """
    if engine not in ENGINES:
        raise ConfigError(f"`engine` {engine}: choose one of {', '.join(ENGINES)}")
    found = resolve_weights("shipped" if weights is None else weights)
    path = found.path
    resolved = resolve_device(device)
    if engine == "torch":
        return _torch_predictor(found, resolved, flip)
    if engine == "onnx" and not resolved.is_cpu:
        raise UsageError(f"`engine=onnx` runs on the CPU, not on {resolved.name}; use `device=cpu`")
    if is_onnx(path):
        return open_onnx_file(path, threads, flip=flip)
    card = found.card
    template = find_template(card, flip)
    if template is not None and resolved.is_cpu:
        return open_with_template(template, found, threads)
    if engine == "onnx":
        raise UsageError(
            f"{path}: the package has no ONNX graph for {card.backbone or card.system}; write one "
            f"with 'utkage export --weights {path}' and give that file, or use `engine=torch`"
        )
    return _torch_predictor(found, resolved, flip)


def _torch_predictor(weights: LoadedWeights, device: Device, flip: bool) -> TorchPredictor:
    from utkage.models.systems import build_graph

    path = weights.path
    if is_onnx(path):
        raise UsageError(
            f"{path}: is an ONNX file; use `engine=onnx`, or the weights it was exported from"
        )
    use_one_thread_after_fork()
    graph = build_graph(weights.content, str(path), flip=flip)
    return TorchPredictor(graph, weights.card, device.torch)
