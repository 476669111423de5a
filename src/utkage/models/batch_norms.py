"""Giving batch norms real statistics without changing what a network computes."""

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

    Networks whose batch norms were folded away or frozen into a scale and a shift train badly,
    because training mode computes another function. With mean m and variance v of a norm's input,
    setting running_mean = m and running_var = v and correcting weight and bias accordingly leaves
    the inference function unchanged and the training function close to it.

    The network keeps its mode. ``sample`` holds inputs (N, ...), which are measured in batches; a
    few hundred are enough.
    """
    sums: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def collect(norm: nn.BatchNorm2d, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0]
        # float32 is precise enough for the sum over one image, but not over many.
        by_image = torch.stack([x.sum((2, 3)), x.square().sum((2, 3))]).double()
        count = torch.full_like(by_image[:1, 0], x.shape[0] * x.shape[2] * x.shape[3])
        sums.setdefault(norm, []).append(torch.cat([by_image.sum(1), count]))

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
        _set_statistics(norm, mean, variance)


@torch.no_grad()
def make_affine(norm: nn.BatchNorm2d, scale: Tensor, shift: Tensor) -> None:
    """Make ``norm`` compute ``scale * x + shift`` per channel in evaluation mode, in place."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.copy_(scale)
    norm.bias.copy_(shift)


def _set_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Replace the running statistics, and correct weight and bias for the change."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    norm.bias.add_(scale * (mean - norm.running_mean))
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
