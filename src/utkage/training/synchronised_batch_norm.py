"""Batch norm over the batch of all processes, as if one process trained alone.

PyTorch's SyncBatchNorm does this on CUDA only; the module here is for the CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import FunctionCtx


class _SumOfAll(torch.autograd.Function):
    """Sum over processes. Every value reaches every sum, so gradients are summed as well."""

    @staticmethod
    def forward(_: FunctionCtx, value: Tensor) -> Tensor:
        total = value.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


class SynchronisedBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` whose training statistics are those of all processes together."""

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if not self.training:
            return super().forward(images)
        own = torch.cat([images.sum(dim=(0, 2, 3)), images.new_full((1,), images[:, 0].numel())])
        sums: Tensor = _SumOfAll.apply(own)
        count = sums[-1].detach()
        mean = sums[:-1] / count
        # A second sum costs a message; squares minus the squared mean would lose half the digits.
        squares: Tensor = _SumOfAll.apply((images - mean.view(1, -1, 1, 1)).square().sum((0, 2, 3)))
        variance = squares / count
        self._update_statistics(mean.detach(), variance.detach(), float(count))
        scale = torch.rsqrt(variance + self.eps)
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        normalised: Tensor = images * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
        return normalised

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, variance: Tensor, count: float) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = self.momentum
        if momentum is None:
            momentum = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        # The unbiased variance, as in nn.BatchNorm2d.
        self.running_var.lerp_(variance * count / max(1.0, count - 1), momentum)


def synchronise_batch_norms(network: nn.Module, device: torch.device) -> None:
    """Replace the batch norms of ``network`` by synchronised ones, in place.

    Names and tensors of its state do not change.
    """
    if distributed.get_world_size() == 1:
        return
    for name, child in network.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(network, name, _synchronised(child, device))
        else:
            synchronise_batch_norms(child, device)


def _synchronised(norm: nn.BatchNorm2d, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(  # type: ignore[no-untyped-call]
            norm
        )
        return converted
    settings = (norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    synchronised = SynchronisedBatchNorm2d(*settings)
    synchronised.load_state_dict(norm.state_dict())
    return synchronised.train(norm.training)
