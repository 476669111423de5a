"""Batch norm over the batch of all processes, so that several learn what one would.

On CUDA PyTorch's SyncBatchNorm does it; on the CPU, where there is none, the module here.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn import functional as collective


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` whose training statistics are those of all processes together."""

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if not self.training:
            return super().forward(images)
        own = torch.cat(
            [
                images.sum(dim=(0, 2, 3)),
                images.square().sum(dim=(0, 2, 3)),
                images.new_full((1,), images.numel() / images.shape[1]),
            ]
        )
        sums = collective.all_reduce(own)  # type: ignore[no-untyped-call]
        count = sums[-1].detach()
        mean = sums[: self.num_features] / count
        variance = (sums[self.num_features : -1] / count - mean.square()).clamp(min=0)
        self._remember(mean.detach(), variance.detach(), float(count))
        scale = torch.rsqrt(variance + self.eps)
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        normalised: Tensor = images * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
        return normalised

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: float) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = self.momentum
        if momentum is None:
            momentum = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        # The population's variance, as in nn.BatchNorm2d.
        self.running_var.lerp_(variance * count / max(1.0, count - 1), momentum)


def share_norms(network: nn.Module, device: torch.device) -> None:
    """Let every batch norm of ``network`` see the batch of all processes, in place.

    Names and tensors of its state stay as they are.
    """
    if distributed.get_world_size() == 1:
        return
    for name, child in network.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(network, name, _shared(child, device))
        else:
            share_norms(child, device)


def _shared(norm: nn.BatchNorm2d, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(  # type: ignore[no-untyped-call]
            norm
        )
        return converted
    shared = GlobalBatchNorm2d(
        norm.num_features,
        norm.eps,
        norm.momentum,
        norm.affine,
        norm.track_running_stats,
        device=norm.running_mean.device if norm.running_mean is not None else None,
    )
    shared.load_state_dict(norm.state_dict())
    return shared.train(norm.training)
