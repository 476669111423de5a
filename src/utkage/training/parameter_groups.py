"""Groups of parameters that share a learning rate and a weight decay."""

from __future__ import annotations

from typing import Any

from torch import nn

from utkage.models.multitask import MultiTaskNet
from utkage.models.stages import parameter_stages


def parameter_groups(
    network: MultiTaskNet, weight_decay: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Groups for an optimiser, each with its ``params``, ``weight_decay`` and ``scale``.

    The rate of a group is ``scale`` times that of the schedule: 1 for the heads, ``layer_decay``
    for the last stage of the backbone, its square for the stage before, and so on down to the
    first (Clark et al. 2020, ELECTRA, arXiv:2003.10555; Bao et al. 2022, BEiT, arXiv:2106.08254).
    The first stages are the most general, so they should change least.

    Args:
        network: Heads and backbone.
        weight_decay: Weight decay of tensors that mix channels; biases and scales have none.
        layer_decay: Above 0 and at most 1; 1 gives all parameters the same rate.

    Returns:
        From the heads to the first stage; every parameter is in exactly one group.
    """
    stages = parameter_stages(network.backbone)
    level = {
        id(parameter): len(stages) - index
        for index, stage in enumerate(stages)
        for parameter in stage
    }
    grouped: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        scale = layer_decay ** level.get(id(parameter), 0)
        grouped.setdefault((scale, not _is_per_channel(parameter)), []).append(parameter)
    return [
        {"params": params, "weight_decay": weight_decay if mixes else 0.0, "scale": scale}
        for (scale, mixes), params in sorted(grouped.items(), key=lambda item: item[0])[::-1]
    ]


def _is_per_channel(parameter: nn.Parameter) -> bool:
    # Decaying biases and norm scales only hurts; He et al. 2019 (arXiv:1812.01187), 3.1.
    # ConvNeXt's layer scales have the shape (C, 1, 1).
    return parameter.dim() == 0 or parameter.numel() == len(parameter)
