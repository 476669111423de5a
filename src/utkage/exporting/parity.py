"""The parity gate: the predictions of an exported file must match those of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ParityError
from utkage.exporting.precision import DEFAULT_PRECISION, PRECISIONS, Limits
from utkage.models.card import WHOLE_YEAR_MEDIAN
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.predictions import Predictions, distribution_quantile

_DEFAULT_LIMITS = PRECISIONS[DEFAULT_PRECISION]


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Differences between two implementations of one model.

    Attributes:
        chips: Number of chips compared.
        max_age_difference: Largest difference of the point estimate, years; ties of the
            whole-year median do not count.
        max_median_difference: Largest difference of the interpolated median of the age
            distribution, years. It shows differences that whole-year estimates hide.
        max_probability_difference: Largest difference of P(female) or of the probability of any
            year of age.
        range_flips: Number of chips whose most probable age range differs.
        gender_flips: Number of chips whose gender differs.
    """

    chips: int
    max_age_difference: float
    max_median_difference: float
    max_probability_difference: float
    range_flips: int
    gender_flips: int

    def require(
        self, path: Path, runtime: str = "ONNX Runtime", limits: Limits = _DEFAULT_LIMITS
    ) -> None:
        """Raise a ``ParityError``, which names ``path`` and ``runtime``, if a limit is exceeded."""
        ages = (self.max_age_difference, self.max_median_difference)
        if (
            any(_exceeds(years, limits.age) for years in ages)
            or _exceeds(self.max_probability_difference, limits.probability)
            or ((self.range_flips or self.gender_flips) and not limits.flips)
        ):
            raise ParityError(
                f"{path}: not written, because {runtime} and the weights disagree on "
                f"{self.chips} chips (age by up to {np.max(ages):.4f} years, limit "
                f"{limits.age}; probabilities by up to {self.max_probability_difference:.5f}, "
                f"limit {limits.probability}; age range on {self.range_flips}, gender on "
                f"{self.gender_flips})"
            )


def _exceeds(value: float, limit: float | None) -> bool:
    # NaN exceeds every limit.
    return not np.isfinite(value) if limit is None else not value <= limit


def predict_batches(predictor: ChipPredictor, batches: Sequence[NDArray[np.uint8]]) -> Predictions:
    """Predict for batches of chips (N, S, S, 3); different N test the dynamic batch."""
    return Predictions.concatenate([predictor.predict_chips(batch) for batch in batches])


def compare(
    reference: Predictions,
    exported: Predictions,
    point_estimate: str,
    tie: float = _DEFAULT_LIMITS.tie,
) -> Parity:
    """Measure the differences between the predictions of weights and of their exported file.

    Probabilities that are closer than ``tie`` may swap ranks.
    """
    ranked = np.sort(reference.range_probabilities, axis=1)
    clear_range = ranked[:, -1] - ranked[:, -2] > tie
    clear_gender = np.abs(reference.p_female - 0.5) > tie
    both = (reference, exported)
    medians = [distribution_quantile(one.age_distribution, 0.5) for one in both]
    probabilities = (
        np.abs(reference.p_female - exported.p_female).max(),
        np.abs(reference.age_distribution - exported.age_distribution).max(),
    )
    range_differs = reference.range_index != exported.range_index
    gender_differs = reference.gender != exported.gender
    return Parity(
        chips=len(reference),
        max_age_difference=float(_age_differences(*both, point_estimate, tie).max()),
        max_median_difference=float(np.abs(medians[0] - medians[1]).max()),
        # Python's max may ignore a NaN.
        max_probability_difference=float(np.max(probabilities)),
        range_flips=int((range_differs & clear_range).sum()),
        gender_flips=int((gender_differs & clear_gender).sum()),
    )


def _age_differences(
    reference: Predictions, exported: Predictions, point_estimate: str, tie: float
) -> NDArray[np.float64]:
    """Differences between the point estimates, years, (n,).

    Within a tie, more than one year is a whole-year median; each of them has the difference 0.
    """
    years = np.abs(reference.age - exported.age)
    if point_estimate == WHOLE_YEAR_MEDIAN:
        below = np.cumsum(reference.age_distribution, axis=1)
        lowest, highest = ((below < 0.5 + slack).sum(axis=1) for slack in (-tie, tie))
        years[(lowest <= exported.age) & (exported.age <= highest)] = 0
    return years


def synthetic_chips(count: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    """Draw varied chips of no person: head-like ellipses with features and noise.

    The result is uint8 (count, size, size, 3).
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    chips = np.empty((count, size, size, 3), dtype=np.uint8)
    for index in range(count):
        image = np.empty((size, size, 3))
        image[:] = random.uniform(0, 255, 3) + random.uniform(-80, 80) * (y[..., None] - 0.5)
        skin = random.uniform((90, 60, 40), (250, 215, 190))
        ellipses = [
            (0.5, 0.55, random.uniform(0.25, 0.45), random.uniform(0.35, 0.55), skin),
            (0.3, 0.3, random.uniform(0.03, 0.08), random.uniform(0.015, 0.04), skin * 0.3),
            (0.7, 0.3, random.uniform(0.03, 0.08), random.uniform(0.015, 0.04), skin * 0.3),
            (0.5, 0.52, 0.03, random.uniform(0.04, 0.1), skin * 0.8),
            (0.5, 0.7, random.uniform(0.08, 0.2), random.uniform(0.01, 0.06), skin * 0.5),
        ]
        for centre_x, centre_y, radius_x, radius_y, colour in ellipses:
            offset = random.normal(0, 0.02, 2)
            inside = ((x - centre_x - offset[0]) / radius_x) ** 2 + (
                (y - centre_y - offset[1]) / radius_y
            ) ** 2 < 1
            image[inside] = colour
        image += random.normal(0, random.uniform(0, 25), image.shape)
        chips[index] = np.clip(image, 0, 255).astype(np.uint8)
    return chips
