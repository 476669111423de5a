"""Weights in memory, and the names of tensors that have a meaning of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utkage.models.card import Card

if TYPE_CHECKING:
    from torch import Tensor

# Biases that an age prior is added to: of a softmax age head, and of the seed system's range model.
AGE_BIAS = "age.bias"
RANGE_BIAS = "age_range.classifier.4.bias"


@dataclass(frozen=True)
class Weights:
    """A trained network as tensors.

    Attributes:
        card: The card of the network.
        state: State dictionary; floating-point tensors are float32.
        fingerprints: First four bytes of the pixel hash of each training image, int32 (n,).
    """

    card: Card
    state: dict[str, Tensor]
    fingerprints: Tensor
