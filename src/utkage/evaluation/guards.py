"""What makes figures worthless, noticed before anybody believes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from utkage.core.errors import DataError
from utkage.core.reporter import Reporter

if TYPE_CHECKING:
    from utkage.evaluation.labelled_predictions import LabelledPredictions

# No model of faces puts this share into the right one of nine ranges and still errs by a year.
_FED_ACCURACY = 0.97
_FED_ERROR = 1.0
_FED_FACES = 100


def guard_predictions(
    faces: LabelledPredictions, name: str, *, allow: bool, reporter: Reporter
) -> tuple[str, ...]:
    """Refuse answers that contradict their labels in a telling way, or say so.

    Args:
        faces: Labels and answers.
        name: The weights or table, for messages.
        allow: Only warn.
        reporter: Hears the warnings.

    Returns:
        What was noticed.

    Raises:
        DataError: something was noticed, and ``allow`` is False.
    """
    from utkage.evaluation.label_conventions import gender_is_inverted

    noticed = []
    # By source, since of several only one may follow another convention.
    sources = np.array(faces.sources)
    turned = [
        source
        for source in sorted(set(faces.sources))
        if gender_is_inverted(faces.genders[sources == source], faces.p_female[sources == source])
    ]
    if turned:
        noticed.append(
            f"gender of {', '.join(turned)} is coded the other way round in the labels or in the "
            "answers (here 0 is male, 1 female, and p_female is the probability of female)"
        )
    if true_range_was_fed(faces):
        noticed.append(
            "the answers hardly ever leave the true age range, so it was fed in, it seems; such "
            "an error says nothing of what users get"
        )
    for words in noticed:
        if not allow:
            raise DataError(
                f"{name}: {words}; use `allow_suspicious=True` to score it all the same"
            )
        reporter.warn(f"{name}: {words}")
    return tuple(noticed)


def true_range_was_fed(faces: LabelledPredictions) -> bool:
    """Whether the answers lie in the true range nearly always, yet err inside it."""
    if len(faces) < _FED_FACES:
        return False
    right = float((faces.ranges == faces.range_index).mean())
    return right >= _FED_ACCURACY and float(np.abs(faces.age - faces.ages).mean()) >= _FED_ERROR
