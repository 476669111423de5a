"""Age heads: the layer that makes an output for each class or threshold, and how it is read.

Whatever a head was taught with, its outputs are read as one distribution over the years 0..116, so
everything behind it (estimate, interval, ranges, exported files) is the same for all. Weights name
their head on their card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        build: From the number of its inputs to the layer, (N, inputs) -> (N, outputs).
        distribution: From its outputs (N, outputs) to the probability of each year, (N, 117).
    """

    build: Callable[[int], nn.Linear]
    distribution: Callable[[Tensor], Tensor]


class SharedLinear(nn.Linear):
    """Outputs that share one weight vector and differ in their biases alone, (N, I) -> (N, K).

    Args:
        inputs: I.
        biases: (K,), where they start.
    """

    def __init__(self, inputs: int, biases: Tensor) -> None:
        super().__init__(inputs, 1, bias=False)
        self.out_features = len(biases)
        self.bias = nn.Parameter(biases.clone())

    def forward(self, input: Tensor) -> Tensor:
        """One scalar product, K times moved."""
        return F.linear(input, self.weight) + self.bias


def softmax_distribution(logits: Tensor) -> Tensor:
    """One logit a year (N, Y) -> distributions (N, Y)."""
    return torch.softmax(logits, dim=1)


def coral_distribution(logits: Tensor) -> Tensor:
    """Logits of P(age > k) for k = 0..K-1 (N, K) -> distributions over K + 1 years.

    The probability of a year is the difference of its two thresholds (Cao, Mirjalili and Raschka
    2020, CORAL, arXiv:1901.07884). Trained thresholds fall with k (their theorem 1); while they do
    not yet, they are sorted, which brings no such curve further from the true one (Chernozhukov,
    Fernandez-Val and Galichon 2010, Econometrica 78).
    """
    above = torch.sigmoid(torch.sort(logits, dim=1, descending=True).values)
    edge = above[:, :1]
    reached = torch.cat([torch.ones_like(edge), above], dim=1)
    return reached - torch.cat([above, torch.zeros_like(edge)], dim=1)


def corn_distribution(logits: Tensor) -> Tensor:
    """Logits of P(age > k given age > k - 1) for k = 0..K-1 (N, K) -> over K + 1 years.

    P(age > k) is the product of the conditional probabilities up to k (Shi, Cao and Raschka 2023,
    CORN, arXiv:2111.08851), so it falls by itself.
    """
    edge = torch.zeros_like(logits[:, :1])
    reached = torch.exp(torch.cat([edge, torch.cumsum(F.logsigmoid(logits), dim=1)], dim=1))
    # Of those who reach a year, some do not pass it; nobody passes the last.
    staying = torch.cat([torch.sigmoid(-logits), torch.ones_like(edge)], dim=1)
    return reached * staying


def _build_softmax(inputs: int) -> nn.Linear:
    return nn.Linear(inputs, AGE_COUNT)


def _build_coral(inputs: int) -> nn.Linear:
    # Biases at which all years are equally probable, as they nearly are for a new softmax.
    k = torch.arange(THRESHOLDS)
    return SharedLinear(inputs, torch.log(THRESHOLDS - k) - torch.log(k + 1))


def _build_corn(inputs: int) -> nn.Linear:
    head = nn.Linear(inputs, THRESHOLDS)
    with torch.no_grad():
        # As for CORAL. From biases near zero, everybody would start as a newborn.
        head.bias.copy_(torch.log(THRESHOLDS - torch.arange(THRESHOLDS)))
    return head


#: All there are; their names are ``card.AGE_HEADS``.
AGE_HEADS: Mapping[str, AgeHead] = MappingProxyType(
    {
        "softmax": AgeHead(_build_softmax, softmax_distribution),
        "coral": AgeHead(_build_coral, coral_distribution),
        "corn": AgeHead(_build_corn, corn_distribution),
    }
)


def get_age_head(name: str) -> AgeHead:
    """Look up a kind of age head.

    Raises:
        ConfigError: none has this name; the message lists those there are.
    """
    try:
        return AGE_HEADS[name]
    except KeyError:
        raise ConfigError(
            f"no age head is called {name!r}; choose one of {', '.join(AGE_HEADS)}"
        ) from None
