"""Averages of networks in weight space.

Wortsman et al., "Model soups", ICML 2022 (arXiv:2203.05482): the mean of several fine-tuned
networks is better than each of them. Wortsman et al., "Robust fine-tuning of zero-shot models",
CVPR 2022 (arXiv:2109.01903, WiSE-FT): a network between the start of a training and its end is
better than the end on data from elsewhere.

Both need networks that descend from one start. Batch norms are folded into the convolutions first:
their statistics belong to weights that the average no longer has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from utkage.core.errors import WeightsError
from utkage.models.batch_norms import make_affine
from utkage.models.mobilenet_v1 import ConvUnit


@torch.no_grad()
def fold_batch_norms(network: nn.Module) -> None:
    """Move the scale of each batch norm into its convolution, in place.

    In evaluation mode the network computes the same as before; each norm only adds a shift.

    Raises:
        WeightsError: the network has a batch norm that does not follow a convolution in a
            ``ConvUnit``.
    """
    units = [module for module in network.modules() if isinstance(module, ConvUnit)]
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    if norms != len(units):
        raise WeightsError("only networks of mobilenet_v1 can be averaged: others do not fold")
    for unit in units:
        norm = unit.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        shift = norm.bias - scale * norm.running_mean
        unit.conv.weight.mul_(scale.view(-1, 1, 1, 1))
        make_affine(norm, torch.ones_like(scale), shift)


def average_states(
    states: Sequence[dict[str, Tensor]], shares: Sequence[float]
) -> dict[str, Tensor]:
    """The weighted mean of state dictionaries with the same names and shapes.

    Args:
        states: State dictionaries of networks with folded batch norms.
        shares: Share of each; they sum to 1.

    Raises:
        WeightsError: names or shapes differ, or the shares do not sum to 1.
    """
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise WeightsError("these weights belong to different networks; they have no average")
    if abs(sum(shares) - 1) > 1e-6:
        raise WeightsError(f"the shares of an average sum to 1, not to {sum(shares):g}")
    average = dict(states[0])
    for name, tensor in average.items():
        if tensor.is_floating_point():
            parts = [share * state[name] for share, state in zip(shares, states, strict=True)]
            average[name] = torch.stack(parts).sum(0)
    return average
