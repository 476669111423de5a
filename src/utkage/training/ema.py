"""Exponential moving average of the weights, which is validated and saved."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """Moving average: average <- decay * average + (1 - decay) * weights, after each step.

    In the first steps t the decay is lower, min(decay, (1 + t) / (10 + t)), so that the random
    start is soon forgotten. Batch-norm statistics are averaged as well; counters are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.network.requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the weights after optimiser step ``step`` (from 0)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        averages: list[Tensor] = []
        currents: list[Tensor] = []
        current_state = network.state_dict()
        for name, average in self.network.state_dict().items():
            if average.is_floating_point():
                averages.append(average)
                currents.append(current_state[name])
            else:
                average.copy_(current_state[name])
        torch._foreach_lerp_(averages, currents, 1 - decay)
