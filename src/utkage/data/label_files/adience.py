"""The folds of Adience: tables with the folder, the picture and the number of the face.

``fold_0_data.txt`` is separated by tabs and has the columns user_id, original_image, face_id, age,
gender and more. The aligned face of a line is
``<user_id>/landmark_aligned_face.<face_id>.<original_image>``, the cropped one
``<user_id>/coarse_tilt_aligned_face.<face_id>.<original_image>``. Ages are ranges such as
``(25, 32)``, sometimes single years or ``None``; gender is f, m or u (unknown). A face with one
known label keeps it. Source: Eidinger, Enbar and Hassner, "Age and Gender Estimation of Unfiltered
Faces", 2014, and its files.
"""

from __future__ import annotations

from dataclasses import replace

from utkage.core.errors import LabelError
from utkage.data.label_files.ages import parse_age
from utkage.data.label_files.further_columns import find_further_columns
from utkage.data.label_files.named_columns import LabelRows
from utkage.data.label_files.row import Line, Row, Table, shown
from utkage.data.label_files.settings import LabelSettings
from utkage.data.labels import FaceLabel

_TITLES = ("user_id", "original_image", "face_id", "age", "gender")
_PREFIXES = ("landmark_aligned_face", "coarse_tilt_aligned_face")
_GENDERS = {"m": 0, "f": 1, "u": None, "": None}
# Three lines of the published folds have an age that is not among its ranges.
_UNKNOWN_AGE = ("none", "")


class AdienceFold:
    """A fold file of Adience."""

    name = "Adience fold"

    def fit(self, titles: tuple[str, ...], settings: LabelSettings) -> int:
        """Number of columns, if all that are needed are there and none was chosen otherwise."""
        fits = set(_TITLES) <= set(titles) and not settings.columns
        return len(titles) if fits else 0

    def rows(self, table: Table, settings: LabelSettings) -> LabelRows:
        """Turn every line into a row; of the ``settings``, only the columns to keep matter."""
        further = find_further_columns(table, _TITLES, settings)
        rows = (_row(line) for line in table.lines)
        kept = tuple(
            replace(row, attributes=further.of(line))
            for row, line in zip(rows, table.lines, strict=True)
        )
        return LabelRows(kept, further.notes, further)


def _row(line: Line) -> Row:
    if line.problem is not None:
        return Row(line=line.number, problem=line.problem)
    user, image, face, age, gender = (line.cells.get(title, "") for title in _TITLES)
    paths = [f"{user}/{prefix}.{face}.{image}" for prefix in _PREFIXES]
    try:
        if not (user and image and face):
            raise LabelError("the path is missing")
        years = None if age.lower() in _UNKNOWN_AGE else parse_age(age)
        if gender.lower() not in _GENDERS:
            raise LabelError(f"gender {shown(gender)} is none of f, m, u")
        label = FaceLabel.of_years(years, _GENDERS[gender.lower()])
    except LabelError as error:
        return Row(line=line.number, path=paths[0], other_paths=(paths[1],), problem=str(error))
    return Row(line=line.number, path=paths[0], other_paths=(paths[1],), label=label)
