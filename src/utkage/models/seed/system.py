"""The three networks as one module, and as a chip graph."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from utkage.models.calibration import Calibration
from utkage.models.card import WHOLE
from utkage.models.chip_graph import ChipOutputs, ViewAverage, gender_probabilities, tempered

# Years, before a training has measured its validation error.
START_SCALE = 8.0


class SeedOutputs(NamedTuple):
    """Outputs for N faces: gender logits (N,), range logits (N, 9) and ages in years (N,)."""

    gender: Tensor
    ranges: Tensor
    age: Tensor


class SeedSystem(nn.Module):
    """Networks such as ``VggFace``, ``AgeRangeNet`` and ``AgeEstimationNet``.

    The age estimator takes the range that the range network predicts.

    Attributes:
        age_scale: Mean absolute error on validation data, years, (), set by the training.
    """

    age_scale: Tensor

    def __init__(self, gender: nn.Module, age_range: nn.Module, age_estimation: nn.Module) -> None:
        super().__init__()
        self.gender = gender
        self.age_range = age_range
        self.age_estimation = age_estimation
        self.register_buffer("age_scale", torch.tensor(START_SCALE))

    def forward(self, images: Tensor) -> SeedOutputs:
        """Predict for float images (N, 3, S, S), RGB in 0..255."""
        ranges = self.age_range(images)
        return SeedOutputs(
            self.gender(images), ranges, self.age_estimation(images, ranges.argmax(dim=1))
        )


class SeedGraph(ViewAverage):
    """The chip graph of the seed system, with the range network's range probabilities.

    The age estimator predicts one age, not a distribution. Its L1 loss is the negative
    log-likelihood of a Laplace distribution, so that is the output: centred on the age, with the
    mean absolute error on validation data as its scale.
    """

    def __init__(
        self,
        system: SeedSystem,
        *,
        flip: bool,
        mirrored_view: str = WHOLE,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__(flip=flip, mirrored_view=mirrored_view, calibration=calibration)
        self.system = system

    def probabilities(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Ages (N,), range probabilities (N, 9), and P(male) and P(female), (N, 2)."""
        gender, ranges, age = self.system(images)
        return age, torch.softmax(ranges, dim=1), gender_probabilities(gender)

    def outputs(self, *averages: Tensor) -> ChipOutputs:
        """Outputs from the averages of ``probabilities``."""
        age, ranges, genders = averages
        distance = (self.year.unsqueeze(0) - age.unsqueeze(1)).abs()
        distribution = torch.softmax(-distance / self.system.age_scale.clamp(min=0.5), dim=1)
        return ChipOutputs(age, distribution, *tempered(ranges, genders, self.calibration))

    def ages_given(self, chips: Tensor, ranges: Tensor) -> Tensor:
        """Ages (N,) for given ranges (N,); with true ranges, the accuracy of an oracle."""
        images = chips.permute(0, 3, 1, 2).float()
        ages: Tensor = self.system.age_estimation(images, ranges)
        if self.flip:
            ages = (ages + self.system.age_estimation(self.mirrored(images), ranges)) / 2
        return ages
