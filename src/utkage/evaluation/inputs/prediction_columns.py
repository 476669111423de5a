"""Which columns of a table hold predictions, and which hold labels.

``age`` is a prediction in the rows of ``predict`` and in tables of other programs, but a label in
what former versions of ``evaluate`` wrote. It is read where the other columns show which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from utkage.core.errors import DataError
from utkage.images.containers.path_titles import simple_title

FILE_TITLES = ("file", "path", "filename", "file_name", "image", "img", "name")
AGE_TITLES = (
    *("predicted_age", "pred_age", "age_pred", "age_predicted", "age_prediction"),
    *("estimated_age", "age_estimate", "age_hat"),
)
FEMALE_TITLES = ("p_female", "female_probability", "prob_female", "p_woman")
GENDER_TITLES = (
    *("predicted_gender", "pred_gender", "gender_pred", "gender_predicted"),
    *("gender_prediction", "estimated_gender"),
)
TITLES = frozenset((*FILE_TITLES, *AGE_TITLES, *FEMALE_TITLES, *GENDER_TITLES, "age", "gender"))
"""Titles of files and predictions, lower case, by which the delimiter of a CSV is found."""
# Titles that only labels have, by the plain title beside which they stand.
TRUE_TITLES = {
    "age": ("true_age", "real_age", "actual_age", "age_label", "age_gt", "gt_age", "label_age"),
    "gender": ("true_gender", "real_gender", "actual_gender", "gender_label", "gender_gt"),
}


@dataclass(frozen=True, kw_only=True)
class PredictionColumns:
    """The titles of the columns that hold predictions; None where there is no such column.

    Attributes:
        file: Names of the pictures.
        age: Predicted ages, years.
        p_female: Predicted probabilities of female.
        gender: Predicted genders as words; None if there are probabilities.
        p_at_least: P(age >= T), as in rows of ``predict``; None without ``threshold``.
        threshold: T, whole years.
    """

    file: str
    age: str | None
    p_female: str | None
    gender: str | None
    p_at_least: str | None = None
    threshold: str | None = None


def find_prediction_columns(titles: Sequence[str], place: str) -> PredictionColumns:
    """Find the columns of a table of predictions; ``place`` is its name in messages.

    Raises:
        DataError: there is no column of names, or of predictions; a prediction has several
            columns; or it is not clear whether ``age`` or ``gender`` is a label.
    """
    spelled = {simple_title(title): title for title in titles}
    if "track" in spelled:
        raise DataError(f"{place}: has rows of videos; evaluate rows of pictures")
    # The former rows of `predict` and ours have "file"; other titles only stand in for it.
    file = next((spelled[name] for name in FILE_TITLES if name in spelled), None)
    if file is None:
        raise DataError(
            f"{place}: the column 'file' is missing; a table of predictions has the columns file "
            "and predicted_age, p_female or both"
        )
    p_female = _only(FEMALE_TITLES, spelled, place)
    has_threshold = {"p_at_least", "threshold"} <= set(spelled)
    found = PredictionColumns(
        file=file,
        age=_prediction("age", AGE_TITLES, spelled, place),
        p_female=p_female,
        gender=None
        if p_female is not None
        else _prediction("gender", GENDER_TITLES, spelled, place),
        p_at_least=spelled["p_at_least"] if has_threshold else None,
        threshold=spelled["threshold"] if has_threshold else None,
    )
    for title in filter(None, (found.file, found.age, found.p_female, found.gender)):
        if sum(simple_title(other) == simple_title(title) for other in titles) > 1:
            raise DataError(f"{place}: has the column {title} twice; remove or rename one")
    if found.age is found.p_female is found.gender is None:
        raise DataError(
            f"{place}: holds no predictions; name their columns predicted_age (years) and "
            "p_female (0 to 1)"
        )
    return found


def _only(names: Sequence[str], spelled: dict[str, str], place: str) -> str | None:
    present = [spelled[name] for name in names if name in spelled]
    if len(present) > 1:
        raise DataError(
            f"{place}: has the columns {' and '.join(present)}, so the prediction is not clear; "
            "remove or rename one"
        )
    return present[0] if present else None


def _prediction(
    plain: str, names: Sequence[str], spelled: dict[str, str], place: str
) -> str | None:
    """The column of predictions: one that says so, or the plain title where it is no label."""
    found = _only(names, spelled, place)
    if found is not None or plain not in spelled:
        return found
    if any(name in spelled for name in TRUE_TITLES[plain]):
        return spelled[plain]
    # Where other columns distinguish labels from predictions, the plain one may be either.
    telling = [
        title
        for name, title in spelled.items()
        if name.startswith(("true_", "predicted_", "pred_")) or name.endswith(("_pred", "_gt"))
    ]
    if telling:
        raise DataError(
            f"{place}: it is not clear whether {plain!r} is a label or a prediction beside "
            f"{telling[0]!r}; rename it to true_{plain} or predicted_{plain}"
        )
    return spelled[plain]
