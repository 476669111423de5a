"""The answer for one face out of many looks at it."""

from __future__ import annotations

from dataclasses import replace

from utkage.prediction.predictions import Floats, Predictions, distribution_quantile

# What a look counts whose face is flagged as blurred, small, turned or cut off.
WEAK_WEIGHT = 0.2
# By how much the median has to leave the shown year before another one is shown.
_HOLD = 1.0


class RunningMean:
    """Weighted mean of answers for one face.

    The distribution of the age is averaged, not the number: a look that sees little says so by a
    wide distribution, which moves the median of the mean less. The interval of the mean is that
    of a typical look or wider, since looks at one face err alike; it does not shrink with their
    number.
    """

    def __init__(self) -> None:
        self._mean: Predictions | None = None
        self._weight = 0.0
        self._shown: int | None = None
        self.count = 0

    def add(self, answer: Predictions, *, weak: bool = False) -> None:
        """Take in the answer for one look, of length 1; a weak one counts ``WEAK_WEIGHT``."""
        weight = WEAK_WEIGHT if weak else 1.0
        self._weight += weight
        self.count += 1
        if self._mean is None:
            self._mean = answer
        share = weight / self._weight
        distribution = _mixed(self._mean.age_distribution, answer.age_distribution, share)
        self._mean = replace(
            self._mean,
            age=distribution_quantile(distribution, 0.5),
            age_distribution=distribution,
            range_probabilities=_mixed(
                self._mean.range_probabilities, answer.range_probabilities, share
            ),
            p_female=_mixed(self._mean.p_female, answer.p_female, share),
        )
        age = float(self._mean.age[0])
        if self._shown is None or abs(age - self._shown) > _HOLD:
            self._shown = round(age)

    @property
    def answer(self) -> Predictions:
        """The mean so far, of length 1; its age is the interpolated median of the mean.

        Raises:
            ValueError: nothing was taken in yet.
        """
        if self._mean is None:
            raise ValueError("no look at this face was answered yet")
        return self._mean

    @property
    def shown_age(self) -> int:
        """The age for people who watch, years: it changes only when the mean has left it.

        Raises:
            ValueError: nothing was taken in yet.
        """
        if self._shown is None:
            raise ValueError("no look at this face was answered yet")
        return self._shown


def _mixed(mean: Floats, new: Floats, share: float) -> Floats:
    return mean + share * (new - mean)
