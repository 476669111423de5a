"""Shares of faces with exact intervals that count persons, not pictures.

Clopper and Pearson (1934) for independent faces. Pictures of one person are no independent faces,
so n is replaced by an effective number of faces: n over the design effect, which the variance
between persons gives, with the t correction for few persons (Korn and Graubard 1998, *Survey
Methodology* 24). Unlike those of a bootstrap, these intervals do not collapse where none or all of
few faces pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.metrics.bootstrap import LEVEL, Estimate, Floats, Ints


def proportion(chosen: NDArray[np.bool_], groups: Ints, level: float = LEVEL) -> Estimate:
    """The share of faces that are chosen, with its interval.

    Args:
        chosen: Mask of n faces, (n,).
        groups: Number of each face's person or duplicate group, (n,).
        level: Level of the interval.
    """
    from scipy.special import betaincinv

    n = len(chosen)
    if n == 0:
        return Estimate(None, None, None, 0)
    share = float(chosen.mean())
    effective = effective_faces(chosen.astype(np.float64), groups, level)
    successes, tail = share * effective, (1 - level) / 2
    failures = effective - successes
    low = betaincinv(successes, failures + 1, tail) if share > 0 else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if share < 1 else 1.0
    return Estimate(share, float(low), float(high), n)


def effective_faces(values: Floats, groups: Ints, level: float = LEVEL) -> float:
    """Number of independent faces whose share is as certain as that of n faces of some persons.

    It is n if every face is of another person, and the number of persons if all ``values``, (n,),
    each 0 or 1, are equal, because nothing then shows how alike the pictures of a person are.
    """
    from scipy.special import stdtrit

    n = len(values)
    _, person = np.unique(groups, return_inverse=True)
    persons = int(person.max()) + 1
    share = values.mean()
    if persons == n or share in (0, 1) or persons == 1:
        return float(persons)
    sums = np.bincount(person, values - share)
    between = persons / (persons - 1) * float(sums @ sums) / n**2
    alone = share * (1 - share) / (n - 1)
    tail = (1 + level) / 2
    few = (stdtrit(n - 1, tail) / stdtrit(persons - 1, tail)) ** 2
    # Two persons may balance each other by chance; pictures never count more than once.
    return float(n if between == 0 else min(n, n * alone / between * few))
