"""The demand of an age check, chosen with a guarantee on how often minors pass.

A face passes if its score, P(age >= T) or an estimated age, is at least a demand. The demand is
chosen on calibration faces such that, with a given confidence over their draw, at most a given
share of all minors passes.

The test behind it is Learn-then-Test (Angelopoulos et al. 2021, arXiv:2110.01052) with exact
binomial p-values and fixed-sequence testing from the strictest demand downwards. As the share that
passes only grows on the way, the walk ends at one order statistic of the minors' scores: the
tolerance limit of Wilks (1941).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError, UsageError
from utkage.core.text import counted
from utkage.evaluation.metrics.bootstrap import Floats, Ints

# Smallest share and confidence. With millions of minors, smaller ones could be shown; nobody has.
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class ScoreKind:
    """What a demand is compared with.

    Attributes:
        name: Name in JSON.
        decimals: Decimals with which rows of ``predict`` hold it. Demands have as many, and scores
            are rounded to them first, so that the promise is also kept by those rows.
        most: Largest possible score, or None.
    """

    name: str
    decimals: int
    most: float | None

    def units(self, scores: Floats) -> Ints:
        """Scores in units of the last decimal, (n,)."""
        return np.asarray(np.rint(scores * 10**self.decimals), dtype=np.int64)

    def passes(self, scores: Floats, demand: float) -> NDArray[np.bool_]:
        """Whether each face passes a demand, (n,)."""
        return np.asarray(self.units(scores) >= self.units(np.array([demand])))


def require_youngest(youngest: int, age: int) -> None:
    """Refuse a youngest age of the minors that is not under ``age``, with a ``UsageError``."""
    if not 0 <= youngest < age:
        raise UsageError(f"`youngest` {youngest}: use an age from 0 to {age - 1}")


PROBABILITY = ScoreKind(name="probability", decimals=4, most=1.0)
"""P(age >= T)."""
ESTIMATED_AGE = ScoreKind(name="estimated_age", decimals=2, most=None)
"""The estimated age in years, for predictions without a distribution."""


@dataclass(frozen=True, kw_only=True)
class Guarantee:
    """The promise that a demand keeps.

    Attributes:
        age: T, whole years; the minors are younger.
        youngest: Youngest age of the minors that the promise is about, years. Toddlers never pass,
            so with them a promise is easy to keep and says little about teenagers.
        max_false_pass: Largest share of those minors that may pass, 0.000001 to 0.999999.
        confidence: Probability with which the promise holds, over the draw of the calibration
            faces, 0.000001 to 0.999999.

    Raises:
        UsageError: a value is out of range.
    """

    age: int
    youngest: int
    max_false_pass: float
    confidence: float

    def __post_init__(self) -> None:
        for name, example in (("max_false_pass", 0.05), ("confidence", 0.95)):
            value = getattr(self, name)
            if not _LEAST <= value <= 1 - _LEAST:
                raise UsageError(
                    f"`{name}` {value:g}: use a number from {_LEAST:f} to {1 - _LEAST:f}, such as "
                    f"{example}"
                )
        require_youngest(self.youngest, self.age)

    @property
    def years(self) -> str:
        """The ages of the minors, such as ``13-17``."""
        last = self.age - 1
        return str(last) if self.youngest == last else f"{self.youngest}-{last}"

    @property
    def faces_needed(self) -> int:
        """Fewest minors with which a demand can be guaranteed, if none of them passes."""
        needed = math.ceil(math.log1p(-self.confidence) / math.log1p(-self.max_false_pass))
        # Rounding errors of the logarithms may move it by one.
        return needed if self.may_pass(needed) is not None else needed + 1

    def minors(self, ages: Ints) -> NDArray[np.bool_]:
        """Mask of the faces that the promise is about, (n,), by true whole years."""
        return np.asarray((ages >= self.youngest) & (ages < self.age))

    def may_pass(self, n: int) -> int | None:
        """The most of n minors that may pass while the binomial test still keeps the promise.

        None if not even that none passes shows it.
        """
        from scipy.stats import binom

        if n == 0:
            return None
        delta = 1 - self.confidence
        most = int(binom.ppf(delta, n, self.max_false_pass))
        if binom.cdf(most, n, self.max_false_pass) > delta:
            most -= 1
        return most if most >= 0 else None

    def refusal(self, n: int) -> str:
        """Why ``n`` minors have no demand."""
        reason = (
            f"at least {self.faces_needed:,} are needed"
            if self.may_pass(n) is None
            else "too many of them have the highest probability, so no demand excludes them"
        )
        return (
            f"{counted(n, 'face')} of {self.years} years cannot show with "
            f"{100 * self.confidence:g} % confidence that at most {100 * self.max_false_pass:g} % "
            f"of such faces pass; {reason}"
        )


@dataclass(frozen=True, kw_only=True)
class GuaranteedDemand:
    """A demand and the minors that it was chosen on.

    Attributes:
        demand: A face passes if its score is at least this.
        n: Number of different minors among the calibration faces.
        passing: Number of them that pass.
        upper: Upper confidence bound of the share of minors that pass (Clopper and Pearson 1934),
            at most the share of the promise.
    """

    demand: float
    n: int
    passing: int
    upper: float


def guaranteed_demand(
    scores: Floats, guarantee: Guarantee, kind: ScoreKind = PROBABILITY
) -> GuaranteedDemand:
    """Choose the lowest demand that keeps ``guarantee``.

    Args:
        scores: Score of each minor, (n,), one for each person: a draw from those whom the check
            meets.
        guarantee: What the demand promises.
        kind: What the scores are.

    Raises:
        DataError: the minors are too few, or so many of them have the highest score that no demand
            keeps the promise.
    """
    from scipy.stats import beta

    units = np.sort(kind.units(scores))
    lowest = _lowest_demand(units, guarantee.may_pass(len(units)), kind)
    if lowest is None:
        raise DataError(guarantee.refusal(len(units)))
    passing = int((units >= lowest).sum())
    upper = beta.ppf(guarantee.confidence, passing + 1, len(units) - passing)
    return GuaranteedDemand(
        demand=lowest / 10**kind.decimals, n=len(units), passing=passing, upper=float(upper)
    )


@dataclass(frozen=True, kw_only=True)
class GuaranteeCheck:
    """How often a guarantee holds in a simulation.

    Attributes:
        draws: Number of simulated calibrations.
        kept: Share of them after which at most the promised share of the minors passed; it should
            be at least the confidence.
        refused: Share of them that had no demand; they count as kept, since nobody passes.
    """

    draws: int
    kept: float
    refused: float


def check_guarantee(
    scores: Floats,
    guarantee: Guarantee,
    kind: ScoreKind = PROBABILITY,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> GuaranteeCheck:
    """Simulate calibrations with the minors at hand as the population.

    Each draw takes as many minors with replacement as there are, chooses a demand on them, and
    counts the minors of the population that pass it.

    Args:
        scores: Score of each minor, (n,), n at least 1.
        guarantee: What the demand promises.
        kind: What the scores are.
        draws: Number of simulated calibrations.
        seed: Seed of the draws.
    """
    population = np.sort(kind.units(scores))
    may_pass = guarantee.may_pass(len(population))
    rng = np.random.default_rng(seed)
    kept = refused = 0
    for _ in range(draws):
        drawn = np.sort(rng.choice(population, len(population)))
        lowest = _lowest_demand(drawn, may_pass, kind)
        refused += lowest is None
        kept += lowest is None or (population >= lowest).mean() <= guarantee.max_false_pass
    return GuaranteeCheck(draws=draws, kept=kept / draws, refused=refused / draws)


def _lowest_demand(units: Ints, may_pass: int | None, kind: ScoreKind) -> int | None:
    """The demand just above the highest score that must fail; None if there is none.

    ``units`` are sorted scores in units of their last decimal, (n,).
    """
    if may_pass is None:
        return None
    lowest = int(units[len(units) - 1 - may_pass]) + 1
    possible = kind.most is None or lowest <= round(kind.most * 10**kind.decimals)
    return lowest if possible else None
