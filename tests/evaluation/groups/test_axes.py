"""Axes that divide faces into groups, by name and crossed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from utkage.core.errors import UsageError
from utkage.evaluation.groups.axes import chosen_axes, standard_axes
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions

Labelled = Callable[..., LabelledPredictions]


def test_crossings_against_a_loop(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(200)
    (axis,) = chosen_axes(faces, ["gender*race*source"], "group_by")
    assert axis.name == "gender x race x source"
    counts: dict[str, int] = {}
    for gender, race, source in zip(faces.genders, faces.races, faces.sources, strict=True):
        if gender >= 0 and race >= 0:
            names = (
                ("male", "female")[gender],
                ("White", "Black", "Asian", "Indian", "Others")[race],
            )
            key = ", ".join((*names, source))
            counts[key] = counts.get(key, 0) + 1
    assert {name: int(mask.sum()) for name, mask in axis.members()} == counts


def test_faces_without_one_of_both_labels_are_in_no_crossing(
    labelled_predictions_of: Labelled,
) -> None:
    faces = labelled_predictions_of(50)
    faces.races[:20] = -1
    (axis,) = chosen_axes(faces, ["race*gender"], "group_by")
    assert (axis.index[:20] == -1).all()
    assert (axis.index[20:] >= 0).tolist() == ((faces.races >= 0) & (faces.genders >= 0))[
        20:
    ].tolist()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("glasses", "no glasses column; choose from range, decade, gender, race, source"),
        ("gender*gender", "names the same column twice"),
        ("gender*", "no such column"),
    ],
)
def test_axes_that_are_not_there(
    labelled_predictions_of: Labelled, choice: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        chosen_axes(labelled_predictions_of(40), [choice], "group_by")
    assert message in str(caught.value)


def test_an_axis_is_there_once(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(40)
    assert [axis.name for axis in chosen_axes(faces, ["gender", "Gender"], "group_by")] == [
        "gender"
    ]
    for axis in standard_axes(faces):
        total = sum(np.count_nonzero(mask) for _, mask in axis.members())
        assert total == np.count_nonzero(axis.index >= 0)
