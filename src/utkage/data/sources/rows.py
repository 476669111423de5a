"""The rows of a manifest: CSV or JSON Lines with path, age, gender and optional race, split."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from utkage.core.errors import DataError, LabelError
from utkage.data.labels import RACES, FaceLabel
from utkage.data.split import SPLITS

REQUIRED = ("path", "age", "gender")
DELIMITERS = (",", ";", "\t", "|")
_GENDERS = {"0": 0, "m": 0, "male": 0, "1": 1, "f": 1, "female": 1}
_RACES = {name.lower(): index for index, name in enumerate(RACES)}
_WHOLE = re.compile(r"(\d{1,3})(\.0*)?", re.ASCII)
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a manifest.

    Attributes:
        line: Line of the file on which it ends, from 1.
        path: Relative path as written; empty if the row has no valid path.
        label: The label of the face; None only if there is a problem.
        split: ``train``, ``val`` or ``test``, or None if the row has no split.
        problem: Why the row cannot be used, or None.
    """

    line: int
    path: str = ""
    label: FaceLabel | None = None
    split: str | None = None
    problem: str | None = None


def read_rows(content: bytes, name: str) -> tuple[Row, ...]:
    """Parse a manifest; the suffix of ``name`` decides the format (``.jsonl``, else CSV).

    Invalid rows are returned with their problem.

    Raises:
        DataError: the header of a CSV does not name the required columns.
    """
    text = _decode(content)
    rows = _json_rows(text) if name.lower().endswith(".jsonl") else _csv_rows(text, name)
    return tuple(rows)


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    # tarfile and os decode names in this way, so a path in another encoding finds its file.
    return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    delimiter, columns = _columns(re.split(r"[\r\n]", text, maxsplit=1)[0], name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The reader continues after the invalid line.
            yield Row(line=reader.line_num, problem=f"not CSV ({error})")
            continue
        if reader.line_num == 1 or not any(cell.strip() for cell in cells):
            continue
        cell = {
            column: cells[index].strip() for column, index in columns.items() if index < len(cells)
        }
        yield _row(reader.line_num, cell)


def _columns(header: str, name: str) -> tuple[str, dict[str, int]]:
    # The delimiter is the one that separates the required columns. That is more reliable than
    # guessing it from the data.
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            continue
        titles = [cell.strip().lower() for cell in cells]
        if all(titles.count(column) == 1 for column in REQUIRED):
            return delimiter, {title: index for index, title in enumerate(titles)}
    raise DataError(
        f"{name}: the first line does not name the columns path, age and gender once each; "
        "add such a header, or rename the file if it is not a manifest"
    )


def _json_rows(text: str) -> Iterator[Row]:
    # splitlines would also split at characters that JSON allows inside strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(line=number, problem="not JSON")
            continue
        if not isinstance(value, dict):
            yield Row(line=number, problem="not a JSON object")
            continue
        yield _row(number, {str(key).lower(): _json_text(item) for key, item in value.items()})


def _json_text(value: object) -> str:
    if value is None:
        return ""
    # Booleans are integers in Python, but neither ages nor genders.
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip()
    return json.dumps(value)


def _row(line: int, cell: Mapping[str, str]) -> Row:
    path = cell.get("path", "")
    try:
        if not path:
            raise LabelError("the path is missing")
        if "\n" in path or "\0" in path or len(path) > 4096:
            return Row(line=line, problem="not a path; is a quote left open?")
        if _leaves(path):
            problem = f"path {_shown(path)} is absolute or has '..', so it leaves the data set"
            return Row(line=line, problem=problem)
        label = FaceLabel(
            _age(cell.get("age", "")), _gender(cell.get("gender", "")), _race(cell.get("race", ""))
        )
        return Row(line=line, path=path, label=label, split=_split(cell.get("split", "")))
    except LabelError as error:
        return Row(line=line, path=path, problem=str(error))


def _leaves(path: str) -> bool:
    # The manifest may come from Windows or from POSIX, so both rules apply.
    windows = PureWindowsPath(path)
    return bool(PurePosixPath(path).is_absolute() or windows.anchor or ".." in windows.parts)


def _age(text: str) -> int:
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise LabelError(f"age {_shown(text)} is not a whole number of years")
    return int(match[1])


def _gender(text: str) -> int:
    try:
        return _GENDERS[text.lower()]
    except KeyError:
        raise LabelError(f"gender {_shown(text)} is none of 0, 1, male, female, m, f") from None


def _race(text: str) -> int | None:
    if not text:
        return None
    if text.lower() in _RACES:
        return _RACES[text.lower()]
    # Programs write the whole numbers of a column with gaps as 2.0.
    match = _WHOLE.fullmatch(text)
    if match is not None:
        return int(match[1])
    raise LabelError(f"race {_shown(text)} is neither 0..4 nor one of {', '.join(RACES)}")


def _split(text: str) -> str | None:
    if not text:
        return None
    if text.lower() not in SPLITS:
        raise LabelError(f"split {_shown(text)} is none of {', '.join(SPLITS)}")
    return text.lower()


def _shown(text: str) -> str:
    # The text may contain anything: show it as one short line of ASCII.
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
