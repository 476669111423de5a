"""Age heads: the last layer for ages, and the age distribution that its outputs define.

The outputs of every head become a distribution over the years 0..116, so all later steps (estimate,
interval, ranges, exported files) are the same for all heads. The card names the head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.core.errors import ConfigError
from utkage.data.labels import AGE_COUNT

THRESHOLDS = AGE_COUNT - 1


@dataclass(frozen=True)
class AgeHead:
    """A kind of age head.

    Attributes:
        build: Function from the number of inputs to the layer, (N, inputs) -> (N, outputs).
        distribution: Function from outputs (N, outputs) to probabilities of years, (N, 117).
    """

    build: Callable[[int], nn.Linear]
    distribution: Callable[[Tensor], Tensor]


class SharedLinear(nn.Linear):
    """Outputs that share one weight vector, with initial ``biases`` (K,): (N, inputs) -> (N, K)."""

    def __init__(self, inputs: int, biases: Tensor) -> None:
        super().__init__(inputs, 1, bias=False)
        self.out_features = len(biases)
        self.bias = nn.Parameter(biases.clone())

    def forward(self, input: Tensor) -> Tensor:
        """Add each bias to the one scalar product."""
        return F.linear(input, self.weight) + self.bias


def coral_distribution(logits: Tensor) -> Tensor:
    """Logits of P(age > k) for k = 0..K-1 (N, K) -> distributions over K + 1 years.

    The probability of a year is the difference of its two thresholds (Cao, Mirjalili and Raschka
    2020, CORAL, arXiv:1901.07884). Trained logits decrease with k (their theorem 1). During
    training they may not, so they are sorted, which never moves such a curve away from the true one
    (Chernozhukov, Fernandez-Val and Galichon 2010, Econometrica 78).
    """
    above = torch.sigmoid(torch.sort(logits, dim=1, descending=True).values)
    edge = above[:, :1]
    reached = torch.cat([torch.ones_like(edge), above], dim=1)
    return reached - torch.cat([above, torch.zeros_like(edge)], dim=1)


def corn_distribution(logits: Tensor) -> Tensor:
    """Logits of P(age > k given age > k - 1) for k = 0..K-1 (N, K) -> over K + 1 years.

    P(age > k) is the product of the conditional probabilities up to k (Shi, Cao and Raschka 2023,
    CORN, arXiv:2111.08851), so it always decreases with k.
    """
    edge = torch.zeros_like(logits[:, :1])
    reached = torch.exp(torch.cat([edge, torch.cumsum(F.logsigmoid(logits), dim=1)], dim=1))
    # P(age = k) = P(age > k - 1) P(age <= k given age > k - 1); the last year is never exceeded.
    staying = torch.cat([torch.sigmoid(-logits), torch.ones_like(edge)], dim=1)
    return reached * staying


def _build_softmax(inputs: int) -> nn.Linear:
    return nn.Linear(inputs, AGE_COUNT)


def _build_coral(inputs: int) -> nn.Linear:
    # Biases that make all years equally probable, as they nearly are for a new softmax.
    k = torch.arange(THRESHOLDS)
    return SharedLinear(inputs, torch.log(THRESHOLDS - k) - torch.log(k + 1))


def _build_corn(inputs: int) -> nn.Linear:
    head = nn.Linear(inputs, THRESHOLDS)
    with torch.no_grad():
        # As for CORAL. With biases near zero, every initial prediction would be a newborn.
        head.bias.copy_(torch.log(THRESHOLDS - torch.arange(THRESHOLDS)))
    return head


#: All age heads by name; ``card.AGE_HEADS`` lists the names without importing torch.
AGE_HEADS: Mapping[str, AgeHead] = MappingProxyType(
    {
        "softmax": AgeHead(_build_softmax, partial(torch.softmax, dim=1)),
        "coral": AgeHead(_build_coral, coral_distribution),
        "corn": AgeHead(_build_corn, corn_distribution),
    }
)


def get_age_head(name: str) -> AgeHead:
    """Look up a kind of age head; raises ``ConfigError`` if there is none of this name."""
    if name not in AGE_HEADS:
        raise ConfigError(f"there is no age head {name!r}; choose one of {', '.join(AGE_HEADS)}")
    return AGE_HEADS[name]
