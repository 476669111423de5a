"""The mean of the predictions for one tracked face."""

from __future__ import annotations

from utkage.prediction.predictions import COLUMNS, Predictions, distribution_quantile

# Weight of a detection with a flag, such as small, blurred, turned or covered; others have 1.
WEAK_WEIGHT = 0.2
# Years that the median must move away from the shown age before another age is shown.
_HOLD = 1.0


class RunningMean:
    """Weighted mean of the predictions for one face; ``ValueError`` before there is one.

    The mean is that of the age distributions, not of the ages: an uncertain prediction has a wide
    distribution, which moves the median of the mean less. The interval of the mean is as wide as
    that of a typical prediction or wider. It does not shrink with their number, because
    predictions for one face make similar errors.
    """

    def __init__(self) -> None:
        self._mean: Predictions | None = None
        self._weight = 0.0
        self._shown: int | None = None
        self.count = 0

    def add(self, prediction: Predictions, *, weak: bool = False) -> None:
        """Add a prediction of length 1; a weak one has the weight ``WEAK_WEIGHT``."""
        weight = WEAK_WEIGHT if weak else 1.0
        self._weight += weight
        self.count += 1
        if self._mean is None:
            self._mean = prediction
        share = weight / self._weight
        pairs = ((getattr(self._mean, name), getattr(prediction, name)) for name in COLUMNS)
        _, *probabilities = (mean + share * (new - mean) for mean, new in pairs)
        median = distribution_quantile(probabilities[0], 0.5)
        self._mean = Predictions(median, *probabilities, calibration=self._mean.calibration)
        age = float(median[0])
        if self._shown is None or abs(age - self._shown) > _HOLD:
            self._shown = round(age)

    @property
    def prediction(self) -> Predictions:
        """The mean so far, of length 1; its age is the interpolated median."""
        if self._mean is None:
            raise ValueError("no prediction was added yet")
        return self._mean

    @property
    def shown_age(self) -> int:
        """A steady age for display, in years: it changes only when the mean has moved away."""
        if self._shown is None:
            raise ValueError("no prediction was added yet")
        return self._shown
