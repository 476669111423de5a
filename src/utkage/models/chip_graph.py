"""From uint8 chips to calibrated predictions, as one torch module.

The torch predictor runs it and the exporters write it, so preprocessing and decoding exist once
and are part of every exported file.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.data.labels import AGE_COUNT, AGE_RANGES
from utkage.models.calibration import Calibration
from utkage.models.card import ENLARGED, WHOLE
from utkage.models.multitask import MultiTaskNet

# Lower bound of probabilities, so that their logarithms are finite.
_SMALLEST = 1e-12
# An enlarged view lacks one pixel in 24 at each side, 8 of 192.
_CUT = 24


class ChipOutputs(NamedTuple):
    """Outputs of a chip graph for N chips.

    Attributes:
        age: Point estimate in years, (N,).
        age_distribution: Probability of each whole year 0..116, (N, 117).
        range_probabilities: Probability of each of the nine age ranges, (N, 9); with a
            calibration, they differ from the sums of the distribution.
        p_female: Probability of female, (N,).
    """

    age: Tensor
    age_distribution: Tensor
    range_probabilities: Tensor
    p_female: Tensor


class ViewAverage(nn.Module):
    """uint8 RGB chips (N, H, W, 3) -> ``ChipOutputs``; ``flip`` averages with the mirrored chips.

    Subclasses define ``probabilities`` and ``outputs``.

    Args:
        flip: Whether each prediction is averaged with that for the mirrored chip.
        mirrored_view: That of the card, one of ``models.card.MIRRORED_VIEWS``.
        calibration: That of the card.
    """

    year: Tensor

    def __init__(
        self, *, flip: bool, mirrored_view: str = WHOLE, calibration: Calibration | None = None
    ) -> None:
        super().__init__()
        self.flip = flip
        self.mirrored_view = mirrored_view
        self.calibration = calibration
        self.register_buffer("year", torch.arange(AGE_COUNT).float(), persistent=False)

    def forward(self, chips: Tensor) -> ChipOutputs:
        """Predict for a batch of chips."""
        images = chips.permute(0, 3, 1, 2).float()
        if not self.flip:
            return self.outputs(*self.probabilities(images))
        # One pass over both views, so that exported graphs contain the network once.
        views = self.probabilities(torch.cat([images, self.mirrored(images)]))
        averages = (values.reshape(2, -1, *values.shape[1:]).mean(dim=0) for values in views)
        return self.outputs(*averages)

    def mirrored(self, images: Tensor) -> Tensor:
        """Mirrored float images (N, 3, H, W), enlarged if the card says so."""
        if self.mirrored_view == ENLARGED:
            images = enlarged(images)
        return images.flip(3)

    def probabilities(self, images: Tensor) -> tuple[Tensor, ...]:
        """The values to average over the views, for float images (N, 3, H, W)."""
        raise NotImplementedError

    def outputs(self, *averages: Tensor) -> ChipOutputs:
        """Outputs from the averages."""
        raise NotImplementedError


class ChipGraph(ViewAverage):
    """The chip graph of a multitask network; ``point_estimate`` is one of ``POINT_ESTIMATES``."""

    membership: Tensor

    def __init__(
        self,
        network: MultiTaskNet,
        point_estimate: str,
        *,
        flip: bool,
        mirrored_view: str = WHOLE,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__(flip=flip, mirrored_view=mirrored_view, calibration=calibration)
        self.network = network
        self.point_estimate = point_estimate
        membership = torch.zeros(AGE_COUNT, len(AGE_RANGES))
        for index, age_range in enumerate(AGE_RANGES):
            membership[age_range.first : age_range.last + 1, index] = 1.0
        self.register_buffer("membership", membership, persistent=False)

    def probabilities(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Age distributions (N, 117), and P(male) and P(female), (N, 2)."""
        age_outputs, gender_logits = self.network(images)
        return self.network.age_distribution(age_outputs), gender_probabilities(gender_logits)

    def outputs(self, *averages: Tensor) -> ChipOutputs:
        """Outputs from age distributions (N, 117), and P(male) and P(female), (N, 2)."""
        ages, genders = averages
        ranges, female = tempered(ages @ self.membership, genders, self.calibration)
        return ChipOutputs(self.point(ages, self.point_estimate), ages, ranges, female)

    def point(self, ages: Tensor, estimate: str) -> Tensor:
        """Point estimate of distributions (N, 117), one of ``POINT_ESTIMATES``: years, (N,)."""
        if estimate == "mean":
            return ages @ self.year
        return median_age(ages) if estimate == "median" else whole_year_median(ages)


def enlarged(images: Tensor) -> Tensor:
    """Images (N, C, H, W) without 1/24 at each side, resized to H x W again: 1.09 times as large.

    Errors for a face at two scales agree less than errors for a face and its mirror image, so the
    average is better (multi-scale testing, Simonyan & Zisserman 2015).
    """
    height, width = images.shape[2:]
    rows, columns = height // _CUT, width // _CUT
    centre = images[:, :, rows : height - rows, columns : width - columns]
    return F.interpolate(centre, (height, width), mode="bilinear", align_corners=False)


def gender_probabilities(logits: Tensor) -> Tensor:
    """P(male) and P(female) from logits of female (N,) -> (N, 2).

    Each is a sigmoid of its own, because 1 - p would lose the smaller one to rounding.
    """
    return torch.sigmoid(torch.stack([-logits, logits], dim=1))


def tempered(
    ranges: Tensor, genders: Tensor, calibration: Calibration | None
) -> tuple[Tensor, Tensor]:
    """Apply the temperatures of a calibration, if any, to probabilities after flip averaging.

    From probabilities of the ranges (N, 9), and P(male) and P(female) (N, 2), to those of the
    ranges (N, 9) and P(female) (N,). The most probable range and the gender do not change.
    """
    if calibration is None:
        return ranges, genders[:, 1]
    female = at_temperature(genders, calibration.gender_temperature)[:, 1]
    return at_temperature(ranges, calibration.range_temperature), female


def at_temperature(probabilities: Tensor, temperature: Tensor | float) -> Tensor:
    """Divide the logarithms of probabilities (N, K) by ``temperature`` (Guo et al. 2017)."""
    logs = probabilities.clamp(min=_SMALLEST).log()
    return torch.softmax(logs / temperature, dim=1)


def median_age(distribution: Tensor) -> Tensor:
    """Interpolated median of age distributions (N, 117) -> (N,), in years, never below 0."""
    return quantile_age(distribution, 0.5)


def quantile_age(distribution: Tensor, quantile: Tensor | float) -> Tensor:
    """Quantile of age distributions (N, 117) -> (N,), in years, never below 0.

    The probability of year y counts as uniform over [y - 1/2, y + 1/2]. ``quantile`` is within
    0..1, one for all or one for each, (N, 1).
    """
    below = torch.cumsum(distribution, dim=1)
    index = (below < quantile).sum(dim=1, keepdim=True).clamp(max=distribution.shape[1] - 1)
    mass = distribution.gather(1, index)
    before = below.gather(1, index) - mass
    age = index.float() - 0.5 + (quantile - before) / mass.clamp(min=1e-9)
    return age.squeeze(1).clamp(min=0.0)


def whole_year_median(distribution: Tensor) -> Tensor:
    """The first whole year up to which half of the distribution lies, (N, 117) -> (N,).

    For labels in whole years, no estimate has a smaller expected absolute error. Its errors are
    whole numbers, so CS@5 includes those that are up to 5.5 years for ``median_age``: compare CS
    only between estimates of one kind.
    """
    return (torch.cumsum(distribution, dim=1) < 0.5).sum(dim=1).to(distribution.dtype)
