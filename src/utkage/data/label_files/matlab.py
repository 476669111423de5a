"""The MATLAB files of IMDB-WIKI, ``imdb.mat`` and ``wiki.mat``.

One structure holds a row of values for each field: ``dob`` (MATLAB day number of the birth),
``photo_taken`` (year), ``full_path``, ``gender`` (0 female, 1 male, NaN unknown), ``face_score``
(minus infinity where the authors found no face) and more. The age is that of the middle of the
year, as the authors compute it. Source: the description at the data set's page.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from utkage.core.damaged_files import DAMAGE
from utkage.core.errors import DataError
from utkage.data.label_files.row import Line, Table
from utkage.data.names.imdb_wiki import age_at_mid_year

SUFFIXES = (".mat",)
STARTS = (b"MATLAB 5.0 MAT-file",)
_NEEDED = ("dob", "photo_taken", "full_path", "gender")
_TITLES = ("path", "age", "gender")
_GENDERS = {0.0: "female", 1.0: "male"}
# MATLAB counts days from the year 0, Python from the year 1.
_DAYS_OF_YEAR_0 = 366


def read_matlab(content: bytes, name: str) -> Table:
    """Parse the structure.

    Raises:
        DataError: not a MATLAB file of IMDB-WIKI.
    """
    from scipy.io import loadmat

    try:
        variables = loadmat(io.BytesIO(content), squeeze_me=True, struct_as_record=True)
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{name}: not a MATLAB file that can be read ({reason}); save it as version 7 or as CSV"
        ) from error
    for value in variables.values():
        fields = getattr(getattr(value, "dtype", None), "names", None) or ()
        if set(_NEEDED) <= set(fields):
            return Table(titles=_TITLES, lines=tuple(_lines(value)))
    found = ", ".join(key for key in variables if not key.startswith("__")) or "nothing"
    raise DataError(
        f"{name}: holds {found}, but no structure with {', '.join(_NEEDED)} as in IMDB-WIKI; "
        "save its labels as CSV with path,age,gender"
    )


def _lines(structure: Any) -> Iterator[Line]:
    columns = {field: np.atleast_1d(structure[field].item()) for field in structure.dtype.names}
    scores = columns.get("face_score")
    for index in range(len(columns["full_path"])):
        if scores is not None and np.isneginf(scores[index]):
            yield Line(number=index + 1, problem="the data set found no face in this picture")
            continue
        age = _age(columns["photo_taken"][index], columns["dob"][index])
        yield Line(
            number=index + 1,
            cells={
                "path": str(columns["full_path"][index]),
                "age": "" if age is None else str(age),
                "gender": _GENDERS.get(float(columns["gender"][index]), ""),
            },
        )


def _age(taken: float, born: float) -> int | None:
    day = int(born) - _DAYS_OF_YEAR_0
    try:
        birth = date.fromordinal(day)
    except (ValueError, OverflowError):
        return None
    return age_at_mid_year(int(taken), birth.year, birth.month)
