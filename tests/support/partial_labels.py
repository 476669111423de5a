"""Faces whose age is known only as a range, and faces with only one of the labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from utkage.evaluation.inputs.labelled_predictions import GENDER, LabelledPredictions

BINS = np.array([(0, 2), (3, 9), (10, 19), *((d, d + 9) for d in range(20, 70, 10)), (70, 116)])


def with_ranges(faces: LabelledPredictions, rows: np.ndarray) -> LabelledPredictions:
    """The ages of some faces known only as the bins of FairFace."""
    ranges = np.stack([faces.ages, faces.ages], axis=1)
    ranges[rows] = BINS[np.searchsorted(BINS[:, 0], faces.ages[rows], side="right") - 1]
    ages = faces.ages.copy()
    ages[rows] = -1
    return replace(faces, ages=ages, age_ranges=ranges)


def without(faces: LabelledPredictions, label: str, rows: np.ndarray) -> LabelledPredictions:
    """Some faces without age or without gender."""
    if label == GENDER:
        genders = faces.genders.copy()
        genders[rows] = -1
        return replace(faces, genders=genders)
    ages, ranges = faces.ages.copy(), faces.allowed_ages.copy()
    ages[rows] = ranges[rows] = -1
    return replace(faces, ages=ages, age_ranges=ranges)
