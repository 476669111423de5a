"""Give batch norms real statistics, without changing what a network computes."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from utkage.core.reporter import Reporter, SilentReporter


@torch.no_grad()
def restore_batch_norms(
    network: nn.Module, sample: Tensor, batch: int = 64, reporter: Reporter | None = None
) -> None:
    """Measure the input of each batch norm and make it the norm's statistics, in place.

    Networks whose batch norms were folded away or frozen into a scale and a shift train badly:
    the first batch in training mode computes another function. With mean m and variance v of a
    norm's input, setting running_mean = m and running_var = v and correcting weight and bias for
    it leaves the inference function as it was, and the training function close to it.

    Args:
        network: Whose batch norms are filled; its mode is kept.
        sample: What the network takes, (N, ...); a few hundred are enough.
        batch: How many are measured at once.
        reporter: Shows how far it is.
    """
    sums: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def collect(norm: nn.BatchNorm2d, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0]
        # Sums over a picture are of few enough numbers for float32; those of many are not.
        by_picture = torch.stack([x.sum((2, 3)), x.square().sum((2, 3))]).double()
        count = torch.full_like(by_picture[:1, 0], x.shape[0] * x.shape[2] * x.shape[3])
        totals = torch.cat([by_picture.sum(1), count])
        sums.setdefault(norm, []).append(totals)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(partial(collect, norm)) for norm in norms]
    training = network.training
    network.eval()
    parts = torch.split(sample, batch)
    with (reporter or SilentReporter()).progress("measuring batch norms", len(parts)) as task:
        for part in parts:
            network(part)
            task.advance()
    network.train(training)
    for hook in hooks:
        hook.remove()
    for norm, totals in sums.items():
        total = torch.stack(totals).sum(0)
        mean = (total[0] / total[2]).float()
        variance = (total[1] / total[2] - (total[0] / total[2]).square()).clamp_min(0).float()
        _restate(norm, mean, variance)


def make_affine(norm: nn.BatchNorm2d, scale: Tensor, shift: Tensor) -> None:
    """Let ``norm`` compute ``scale * x + shift`` per channel in evaluation mode, in place."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        norm.weight.copy_(scale)
        norm.bias.copy_(shift)


def _restate(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    norm.bias.add_(scale * (mean - norm.running_mean))
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
