"""Initial weights from *faceres*: a MobileNetV1 that predicts face identity, age and gender.

``initial.FACERES_LINEAGE`` names its sources. The safetensors file has a weight and a bias
for each layer: convolutions ``conv1``, ``conv_dw_<i>``, ``conv_pw_<i>`` (i = 1..13) with the batch
norms folded in, ``feats`` (1024 -> 256), ``age`` (256 -> 100, class i is age i + 1) and ``gender``
(256 -> 1, P(male)). Folded networks train badly, so the batch norms are restored before training.
"""

from __future__ import annotations

from collections.abc import Container

import torch
from torch import Tensor

from utkage.core.errors import WeightsError
from utkage.core.reporter import Reporter
from utkage.models.batch_norms import make_affine, restore_batch_norms
from utkage.models.mobilenet_v1 import BLOCKS, ConvUnit, MobileNetV1
from utkage.models.multitask import MultiTaskNet

MARKER = "conv_pw_13.weight"
FIRST_YEAR = 1


def looks_like_faceres(names: Container[str]) -> bool:
    """Whether a file with tensors of these names has the layers of faceres."""
    return MARKER in names


@torch.no_grad()
def load_faceres(
    network: MultiTaskNet,
    state: dict[str, Tensor],
    sample: Tensor,
    reporter: Reporter | None = None,
) -> None:
    """Fill a network of ``mobilenet_v1`` and a softmax head with the tensors of the file, in place.

    The batch norms are measured on ``sample``: a few hundred chips, float (N, 3, H, W), RGB in
    0..255.

    Raises:
        WeightsError: another backbone, or a layer that is missing or has another shape.
    """
    if not isinstance(network.backbone, MobileNetV1):
        raise WeightsError("faceres weights fit the mobilenet_v1 backbone only")
    units = dict(network.backbone.units.named_children())
    for name, source in _layer_names().items():
        unit = units[name]
        assert isinstance(unit, ConvUnit)
        _copy(unit.conv.weight, state, f"{source}.weight")
        bias = torch.empty_like(unit.norm.bias)
        _copy(bias, state, f"{source}.bias")
        make_affine(unit.norm, torch.ones_like(bias), bias)
    _copy(network.hidden.weight, state, "feats.weight")
    _copy(network.hidden.bias, state, "feats.bias")
    _copy(network.gender.weight, state, "gender.weight")
    _copy(network.gender.bias, state, "gender.bias")
    # The source has the logit of male; utkage uses that of female.
    network.gender.weight.neg_()
    network.gender.bias.neg_()
    # Years outside 1..100 start with the weights of the nearest year.
    years = _tensor(state, "age.weight").shape[0]
    weight, bias = torch.empty(years, network.age.in_features), torch.empty(years)
    _copy(weight, state, "age.weight")
    _copy(bias, state, "age.bias")
    nearest = (torch.arange(network.age.out_features) - FIRST_YEAR).clamp(0, years - 1)
    network.age.weight.copy_(weight[nearest])
    network.age.bias.copy_(bias[nearest])
    restore_batch_norms(network, sample, reporter=reporter)


def _layer_names() -> dict[str, str]:
    names = {"stem": "conv1"}
    for index in range(1, len(BLOCKS) + 1):
        names[f"depthwise_{index}"] = f"conv_dw_{index}"
        names[f"pointwise_{index}"] = f"conv_pw_{index}"
    return names


def _tensor(state: dict[str, Tensor], name: str) -> Tensor:
    if name not in state:
        raise WeightsError(f"faceres weights lack the tensor {name!r}")
    return state[name]


def _copy(target: Tensor, state: dict[str, Tensor], name: str) -> None:
    tensor = _tensor(state, name)
    if tensor.shape != target.shape:
        raise WeightsError(
            f"faceres tensor {name!r} is {tuple(tensor.shape)}, expected {tuple(target.shape)}"
        )
    target.copy_(tensor.float())
