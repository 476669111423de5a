"""The parity gate: an exported file must answer as the model does, or it gets no name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ParityError
from utkage.engines.inference.predictions import Predictions
from utkage.engines.inference.predictor import ChipPredictor
from utkage.models.card import WHOLE_YEAR_MEDIAN

MAX_AGE_DIFFERENCE = 0.01
MAX_PROBABILITY_DIFFERENCE = 0.001
# Two runtimes add floats in another order; a tie closer than this is nobody's error.
TIE = 1e-4


@dataclass(frozen=True)
class Parity:
    """How far two implementations of one model are apart.

    Attributes:
        chips: Number of chips compared.
        max_age_difference: Largest difference of the point estimate, years; ties of the
            whole-year median do not count.
        max_probability_difference: Largest difference of P(female) or of the probability of any
            year of age.
        range_flips: Chips whose most probable age range differs.
        gender_flips: Chips whose gender differs.
    """

    chips: int
    max_age_difference: float
    max_probability_difference: float
    range_flips: int
    gender_flips: int

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)

    def require(self, path: Path, runtime: str = "ONNX Runtime") -> None:
        """Close the gate on a difference that is too large.

        Args:
            path: The file, and
            runtime: what ran it, for the message.

        Raises:
            ParityError: over a limit.
        """
        if (
            not self.max_age_difference <= MAX_AGE_DIFFERENCE
            or not self.max_probability_difference <= MAX_PROBABILITY_DIFFERENCE
            or self.range_flips
            or self.gender_flips
        ):
            raise ParityError(
                f"{path}: not written, because {runtime} and the weights disagree on "
                f"{self.chips} chips (age by up to {self.max_age_difference:.4f} years, limit "
                f"{MAX_AGE_DIFFERENCE}; probabilities by up to "
                f"{self.max_probability_difference:.5f}, "
                f"limit {MAX_PROBABILITY_DIFFERENCE}; {self.range_flips} ranges and "
                f"{self.gender_flips} genders differ); report this with your versions"
            )


def compare(reference: ChipPredictor, candidate: ChipPredictor, batches: list[Any]) -> Parity:
    """Run the same chips through both and measure the differences.

    Args:
        reference: The model.
        candidate: The exported file.
        batches: Arrays of uint8 chips (N, S, S, 3); different N exercise the dynamic batch.
    """
    first = Predictions.concatenate([reference.predict_chips(batch) for batch in batches])
    second = Predictions.concatenate([candidate.predict_chips(batch) for batch in batches])
    ranked = np.sort(first.range_probabilities, axis=1)
    clear_range = ranked[:, -1] - ranked[:, -2] > TIE
    clear_gender = np.abs(first.p_female - 0.5) > TIE
    whole_years = reference.card.point_estimate == WHOLE_YEAR_MEDIAN
    return Parity(
        chips=len(first),
        max_age_difference=float(_age_differences(first, second, whole_years=whole_years).max()),
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
    first: Predictions, second: Predictions, *, whole_years: bool
) -> NDArray[np.float64]:
    """Years between the estimates, (n,).

    With ``whole_years``, an estimate that half of the distribution reaches but for a tie is as
    good as that of the reference: the difference is 0.
    """
    years = np.abs(first.age - second.age)
    if whole_years:
        below = np.cumsum(first.age_distribution, axis=1)
        lowest, highest = ((below < 0.5 + slack).sum(axis=1) for slack in (-TIE, TIE))
        years[(lowest <= second.age) & (second.age <= highest)] = 0
    return years


def drawn_chips(count: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
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
