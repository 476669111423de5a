"""Training the heads alone before the whole network."""

from __future__ import annotations

from torch import nn


def set_frozen(module: nn.Module, *, frozen: bool) -> None:
    """Freeze ``module``, or make it trainable again.

    A frozen module keeps its weights and the statistics of its batch norms and has no dropout, so
    it computes in training what it computes in evaluation.
    """
    module.requires_grad_(not frozen)
    module.train(not frozen)
