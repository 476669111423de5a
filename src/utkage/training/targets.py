"""Targets of the faces in a batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SoftTargets(NamedTuple):
    """Predictions of teachers for n faces.

    Attributes:
        ages: float32 (n, 117), probability of each year.
        genders: float32 (n,), P(female).
    """

    ages: Tensor
    genders: Tensor

    def part(self, rows: slice | Tensor) -> SoftTargets:
        """Some of the faces."""
        return SoftTargets(self.ages[rows], self.genders[rows])

    def to(self, device: torch.device) -> SoftTargets:
        """The same on a device."""
        return SoftTargets(self.ages.to(device), self.genders.to(device))


class Targets(NamedTuple):
    """Labels, weights and soft targets of n faces.

    Attributes:
        ages: int64 (n,), years.
        genders: int64 (n,), 0 male, 1 female.
        importance: float32 (n,), weight of each face in the loss; None: 1 each.
        soft_targets: Predictions of the teachers, if there are any.
        offsets: float32 (n, 117), added to the age logits in the loss; None: nothing.
    """

    ages: Tensor
    genders: Tensor
    importance: Tensor | None = None
    soft_targets: SoftTargets | None = None
    offsets: Tensor | None = None

    def part(self, rows: slice | Tensor) -> Targets:
        """Some of the faces."""
        return Targets(
            self.ages[rows],
            self.genders[rows],
            None if self.importance is None else self.importance[rows],
            self.soft_targets and self.soft_targets.part(rows),
            None if self.offsets is None else self.offsets[rows],
        )

    def to(self, device: torch.device) -> Targets:
        """The same on a device."""
        return Targets(
            self.ages.to(device),
            self.genders.to(device),
            None if self.importance is None else self.importance.to(device),
            self.soft_targets and self.soft_targets.to(device),
            None if self.offsets is None else self.offsets.to(device),
        )


class Blend(NamedTuple):
    """The faces that a batch was blended with, and the weights.

    Attributes:
        others: Targets of the other faces, (n,).
        weight: float32 (n,), share of the face itself, 0..1.
    """

    others: Targets
    weight: Tensor

    def part(self, rows: slice | Tensor) -> Blend:
        """Some of the faces."""
        return Blend(self.others.part(rows), self.weight[rows])
