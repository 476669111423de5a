"""Repeated pictures of one person: resampling persons, and how far their predictions spread.

Pictures of one person are alike in more than their age, so intervals that resample pictures are too
narrow. Whole persons are resampled instead: the cluster bootstrap, whose properties Field and Welsh
(2007, *Journal of the Royal Statistical Society B* 69) describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from utkage.core.errors import UsageError
from utkage.core.text import counted, printable
from utkage.data.chips import LabelledChips
from utkage.evaluation.inputs.labelled_predictions import AGE, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import (
    Bootstrap,
    Estimate,
    Floats,
    Ints,
    Weights,
    as_statistic,
    weighted_sums,
)
from utkage.images.containers.path_titles import simple_title
from utkage.preparation.audit.linked import components


@dataclass(frozen=True, kw_only=True)
class Persons:
    """Who is in each picture.

    Attributes:
        column: Name of the column that says it.
        numbers: Number of the person of each face by source and name; faces of unknown persons are
            missing.
        copies: Number of the duplicate group of each face, likewise.
    """

    column: str
    numbers: Mapping[tuple[str, str], int]
    copies: Mapping[tuple[str, str], int]

    def of(self, faces: LabelledPredictions) -> Ints:
        """Number of each face's person, -1 if unknown, (n,)."""
        keys = zip(faces.sources, faces.names, strict=True)
        return np.array([self.numbers.get(key, -1) for key in keys], dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class PersonReport:
    """Persons of an evaluation.

    Attributes:
        column: Name of the column of persons.
        persons: Number of persons whose pictures are scored.
        faces: Number of their pictures.
        unknown: Number of further faces, whose person is unknown; each counts as another person.
        repeated: Number of persons with at least two different pictures, an age in whole years and
            predictions for them.
        spread: Standard deviation of predicted minus true age within those persons, years; its
            ``n`` counts their pictures.
    """

    column: str
    persons: int
    faces: int
    unknown: int
    repeated: int
    spread: Estimate

    @property
    def note(self) -> str:
        """What is resampled, as a sentence."""
        unknown = f" and {counted(self.unknown, 'face')} of unknown persons" if self.unknown else ""
        return (
            f"Intervals resample {counted(self.persons, 'person')} of {self.column}{unknown}, not "
            "single pictures."
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "spread": self.spread.to_dict()}


def find_persons(chips: LabelledChips, column: str) -> Persons:
    """Who is in each picture, by a further column of the label file.

    A value stands for one person of its source only.

    Raises:
        UsageError: there is no such column, or it is empty.
    """
    name = simple_title(column)
    values = chips.attributes.get(name, ())
    if not any(values):
        known = ", ".join(map(printable, chips.attributes)) or "none"
        raise UsageError(
            f"`person_column` {printable(column)}: these faces have no such further column (they "
            f"have {known}); name it in `keep_columns`, for a prepared set when you prepare it"
        )
    keys = list(zip(chips.sources, chips.names, strict=True))
    numbers: dict[tuple[str, str], int] = {}
    persons: dict[tuple[str, str], int] = {}
    for key, value in zip(keys, values, strict=True):
        if value:
            numbers[key] = persons.setdefault((key[0], value), len(persons))
    copies = dict(zip(keys, chips.group_numbers.tolist(), strict=True))
    return Persons(column=name, numbers=numbers, copies=copies)


def grouped_by_person(chips: LabelledChips, persons: Persons) -> LabelledChips:
    """The faces in groups of persons, which are resampled together, and never apart from copies."""
    keys = zip(chips.sources, chips.names, strict=True)
    own = chips.group_numbers
    # Persons follow the duplicate groups in one row of nodes, and each face links its two.
    first = int(own.max()) + 1 if len(own) else 0
    links = [
        (group, first + persons.numbers[key])
        for group, key in zip(own.tolist(), keys, strict=True)
        if key in persons.numbers
    ]
    count = first + max(persons.numbers.values(), default=-1) + 1
    joined = components(count, np.array(links, dtype=np.int64).reshape(-1, 2))
    return replace(chips, groups=tuple(str(number) for number in joined[own]))


def person_report(
    faces: LabelledPredictions, persons: Persons, bootstrap: Bootstrap
) -> PersonReport:
    """Measure the spread within persons; ``bootstrap`` has the resamples of ``faces``."""
    numbers = persons.of(faces)
    squares, freedom, pictures = _within(faces, persons, numbers)
    spread = partial(_root_of_ratio, np.stack([squares, freedom], axis=1))
    found = bootstrap.estimates({"spread": spread})["spread"]
    known = numbers >= 0
    return PersonReport(
        column=persons.column,
        persons=len(np.unique(numbers[known])),
        faces=int(known.sum()),
        unknown=int((~known).sum()),
        repeated=int((freedom > 0).sum()),
        spread=replace(found, n=pictures),
    )


def _within(
    faces: LabelledPredictions, persons: Persons, numbers: Ints
) -> tuple[Floats, Floats, int]:
    """Sum of squares and degrees of freedom of each person, and the number of their pictures.

    Those of a person stand at its first face, (n,) each, and 0 at all others. Of the copies of a
    picture, the first counts.
    """
    errors = faces.age - faces.ages
    squares, freedom = np.zeros(len(faces)), np.zeros(len(faces))
    seen: set[tuple[int, int]] = set()
    rows_of: dict[int, list[int]] = {}
    for row in np.flatnonzero(faces.labelled(AGE) & (numbers >= 0)).tolist():
        person = int(numbers[row])
        copy = (person, persons.copies[faces.sources[row], faces.names[row]])
        if copy not in seen:
            seen.add(copy)
            rows_of.setdefault(person, []).append(row)
    repeated = [rows for rows in rows_of.values() if len(rows) > 1]
    for rows in repeated:
        own = errors[rows]
        squares[rows[0]] = float(np.square(own - own.mean()).sum())
        freedom[rows[0]] = len(rows) - 1
    return squares, freedom, sum(map(len, repeated))


def _root_of_ratio(columns: Floats, weights: Weights) -> Any:
    """Root of the sum of the first column over that of the second; NaN over no freedom."""
    sums = weighted_sums(columns, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return as_statistic(np.sqrt(sums[:, 0] / sums[:, 1]), weights)
