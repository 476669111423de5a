"""The parity gate: an exported file must answer as the model does, or it gets no name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ParityError
from utkage.exporting.precision import FULL, Limits
from utkage.models.card import WHOLE_YEAR_MEDIAN
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.predictions import Predictions, distribution_quantile


@dataclass(frozen=True)
class Parity:
    """How far two implementations of one model are apart.

    Attributes:
        chips: Number of chips compared.
        max_age_difference: Largest difference of the point estimate, years; ties of the
            whole-year median do not count.
        max_median_difference: Largest difference of the interpolated median of the age
            distribution, years: what whole-year answers do not show.
        max_probability_difference: Largest difference of P(female) or of the probability of any
            year of age.
        range_flips: Chips whose most probable age range differs.
        gender_flips: Chips whose gender differs.
    """

    chips: int
    max_age_difference: float
    max_median_difference: float
    max_probability_difference: float
    range_flips: int
    gender_flips: int

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)

    def require(
        self, path: Path, runtime: str = "ONNX Runtime", limits: Limits = FULL.limits
    ) -> None:
        """Close the gate on a difference that is too large.

        Args:
            path: The file, and
            runtime: what ran it, for the message.
            limits: What may pass.

        Raises:
            ParityError: over a limit.
        """
        ages = (self.max_age_difference, self.max_median_difference)
        if (
            any(_over(years, limits.age) for years in ages)
            or _over(self.max_probability_difference, limits.probability)
            or ((self.range_flips or self.gender_flips) and not limits.flips)
        ):
            raise ParityError(
                f"{path}: not written, because {runtime} and the weights disagree on "
                f"{self.chips} chips (age by up to {np.max(ages):.4f} years, limit "
                f"{limits.age}; probabilities by up to {self.max_probability_difference:.5f}, "
                f"limit {limits.probability}; {self.range_flips} ranges and "
                f"{self.gender_flips} genders differ)"
            )


def _over(value: float, limit: float | None) -> bool:
    # A NaN is over every limit.
    return not np.isfinite(value) if limit is None else not value <= limit


def answers(predictor: ChipPredictor, batches: Sequence[NDArray[np.uint8]]) -> Predictions:
    """Of a predictor for chips (N, S, S, 3); different N exercise the dynamic batch."""
    return Predictions.concatenate([predictor.predict_chips(batch) for batch in batches])


def compare(
    first: Predictions, second: Predictions, point_estimate: str, tie: float = FULL.limits.tie
) -> Parity:
    """Measure the differences between two answers for the same chips.

    Args:
        first: Of the model.
        second: Of the exported file.
        point_estimate: Of the card.
        tie: Of probabilities: closer ones may change places.
    """
    ranked = np.sort(first.range_probabilities, axis=1)
    clear_range = ranked[:, -1] - ranked[:, -2] > tie
    clear_gender = np.abs(first.p_female - 0.5) > tie
    medians = [distribution_quantile(own.age_distribution, 0.5) for own in (first, second)]
    return Parity(
        chips=len(first),
        max_age_difference=float(_age_differences(first, second, point_estimate, tie).max()),
        max_median_difference=float(np.abs(medians[0] - medians[1]).max()),
        max_probability_difference=float(
            # Not Python's max, which may lose a NaN.
            np.max(
                [
                    np.abs(first.p_female - second.p_female).max(),
                    np.abs(first.age_distribution - second.age_distribution).max(),
                ]
            )
        ),
        range_flips=int(((first.range_index != second.range_index) & clear_range).sum()),
        gender_flips=int(((first.gender != second.gender) & clear_gender).sum()),
    )


def _age_differences(
    first: Predictions, second: Predictions, point_estimate: str, tie: float
) -> NDArray[np.float64]:
    """Years between the estimates, (n,).

    A whole-year estimate that half of the distribution reaches but for a tie is as good as that
    of the reference: the difference is 0.
    """
    years = np.abs(first.age - second.age)
    if point_estimate == WHOLE_YEAR_MEDIAN:
        below = np.cumsum(first.age_distribution, axis=1)
        lowest, highest = ((below < 0.5 + slack).sum(axis=1) for slack in (-tie, tie))
        years[(lowest <= second.age) & (second.age <= highest)] = 0
    return years


def synthetic_chips(count: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    """Varied chips without anybody's face: a head-like ellipse with features over noise.

    Returns:
        uint8 (count, size, size, 3).
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    chips = np.empty((count, size, size, 3), dtype=np.uint8)
    for index in range(count):
        picture = np.empty((size, size, 3))
        picture[:] = random.uniform(0, 255, 3) + random.uniform(-80, 80) * (y[..., None] - 0.5)
        skin = random.uniform((90, 60, 40), (250, 215, 190))
        marks = [
            (0.5, 0.55, random.uniform(0.25, 0.45), random.uniform(0.35, 0.55), skin),
            (0.3, 0.3, random.uniform(0.03, 0.08), random.uniform(0.015, 0.04), skin * 0.3),
            (0.7, 0.3, random.uniform(0.03, 0.08), random.uniform(0.015, 0.04), skin * 0.3),
            (0.5, 0.52, 0.03, random.uniform(0.04, 0.1), skin * 0.8),
            (0.5, 0.7, random.uniform(0.08, 0.2), random.uniform(0.01, 0.06), skin * 0.5),
        ]
        for centre_x, centre_y, radius_x, radius_y, colour in marks:
            offset = random.normal(0, 0.02, 2)
            inside = ((x - centre_x - offset[0]) / radius_x) ** 2 + (
                (y - centre_y - offset[1]) / radius_y
            ) ** 2 < 1
            picture[inside] = colour
        picture += random.normal(0, random.uniform(0, 25), picture.shape)
        chips[index] = np.clip(picture, 0, 255).astype(np.uint8)
    return chips
