"""The three models as one network, and as a graph with the answers that every system gives."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from utkage.data.labels import AGE_COUNT
from utkage.models.calibration import Calibration
from utkage.models.chip_graph import ChipOutputs, gender_probabilities, mean_of_views, tempered

# Years; until a training has measured its own error.
START_SCALE = 8.0


class SeedOutputs(NamedTuple):
    """What the three models say of N faces: gender logit (N,), range logits (N, 9), age (N,)."""

    gender: Tensor
    ranges: Tensor
    age: Tensor


class SeedSystem(nn.Module):
    """The three models; the estimator is fed the range that the range model predicts.

    Args:
        gender: Images to gender logits, as ``VggFace``.
        age_range: Images to range logits, as ``AgeRangeNet``.
        age_estimation: Images and range indices to years, as ``AgeEstimationNet``.

    Attributes:
        age_scale: Mean absolute error on validation data, years, (); a training sets it.
    """

    age_scale: Tensor

    def __init__(self, gender: nn.Module, age_range: nn.Module, age_estimation: nn.Module) -> None:
        super().__init__()
        self.gender = gender
        self.age_range = age_range
        self.age_estimation = age_estimation
        self.register_buffer("age_scale", torch.tensor(START_SCALE))

    def forward(self, images: Tensor) -> SeedOutputs:
        """Answer end to end for float images (N, 3, S, S), RGB in 0..255."""
        ranges = self.age_range(images)
        return SeedOutputs(
            self.gender(images), ranges, self.age_estimation(images, ranges.argmax(dim=1))
        )


class SeedGraph(nn.Module):
    """uint8 RGB chips (N, S, S, 3) -> ``ChipOutputs``, as ``ChipGraph`` does for one network.

    The estimator gives one age, no distribution. Its L1 loss is the likelihood of a Laplace
    distribution, so the distribution answered is that one: centred on the age, with the mean
    absolute error of validation as its scale. The range probabilities are the range model's own.

    Args:
        system: The three models.
        flip: Average the answers with those for the mirrored chip.
        calibration: Temperatures for gender and ranges; None leaves them as they are.
    """

    year: Tensor

    def __init__(
        self, system: SeedSystem, *, flip: bool, calibration: Calibration | None = None
    ) -> None:
        super().__init__()
        self.system = system
        self.flip = flip
        self.calibration = calibration
        self.register_buffer("year", torch.arange(AGE_COUNT).float(), persistent=False)

    def forward(self, chips: Tensor) -> ChipOutputs:
        """Answer for a batch of chips."""
        images = chips.permute(0, 3, 1, 2).float()
        if self.flip:
            both = self._answers(torch.cat([images, images.flip(3)]))
            age, ranges, genders = (mean_of_views(values) for values in both)
        else:
            age, ranges, genders = self._answers(images)
        distance = (self.year.unsqueeze(0) - age.unsqueeze(1)).abs()
        distribution = torch.softmax(-distance / self.system.age_scale.clamp(min=0.5), dim=1)
        return ChipOutputs(age, distribution, *tempered(ranges, genders, self.calibration))

    def ages_given(self, chips: Tensor, ranges: Tensor) -> Tensor:
        """Ages (N,) with these ranges (N,) fed to the estimator: an oracle if they are true."""
        images = chips.permute(0, 3, 1, 2).float()
        ages: Tensor = self.system.age_estimation(images, ranges)
        if self.flip:
            ages = (ages + self.system.age_estimation(images.flip(3), ranges)) / 2
        return ages

    def _answers(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.system(images)
        ranges = torch.softmax(outputs.ranges, dim=1)
        return outputs.age, ranges, gender_probabilities(outputs.gender)
