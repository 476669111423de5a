"""Labels from tables beside the pictures, such as ``labels.csv``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from utkage.core.errors import DataError
from utkage.data.label_files.row import Row, shown
from utkage.data.labels import FaceLabel
from utkage.data.sources.base import Entry
from utkage.data.sources.contents import archives_note
from utkage.data.sources.contradictions import find_contradictions
from utkage.data.sources.face_boxes import crop_to_box
from utkage.data.sources.grammar import is_chip_name
from utkage.data.sources.label_files import LabelTable, read_label_tables
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.picture_paths import PicturePaths, count_names, leaves
from utkage.images.containers.container import Container, RawFile, clean_path

CONFLICTING_ROWS = "listed twice, with different labels"
# If more than this share of the pictures is labelled differently by two files, one file is wrong.
_TOLERATED_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class _Labelled:
    """A row, and the name of the file that it comes from.

    ``others`` are the rows of further faces in the same picture, which have boxes of their own.
    """

    row: Row
    file: str
    others: tuple[_Labelled, ...] = ()


class LabelledPictures:
    """The pictures of a container with labels from one or more tables.

    Pictures without a row, and rows without a picture, are reported.
    """

    def __init__(
        self,
        container: Container,
        tables: Sequence[LabelTable],
        options: SourceOptions,
        paths: PicturePaths | None = None,
    ) -> None:
        """Join pictures and rows.

        Raises:
            DataError: the tables contradict each other or the names of the pictures.
        """
        self.name = container.name
        self.total_bytes = container.total_bytes
        self._container = container
        self._aligned, self._max_pixels = options.aligned, options.limits.max_pixels
        self._digests = [table.digest for table in tables if table.digest is not None]
        self._names = ", ".join(table.name for table in tables)
        self._row_of, self._unmatched = _match_rows(tables, paths or PicturePaths(container))
        self._inner = [
            _Labelled(row=row, file=table.name)
            for table in tables
            for row in table.rows
            if row.picture is not None
        ]
        self.notes = tuple(f"{table.name}: {note}" for table in tables for note in table.notes)
        self.further_columns = {table.name: table.further for table in tables}
        self.notes += archives_note(container)
        if len(tables) > 1:
            self.notes += (f"{container.path}: labels from {self._names}",)
        self._refuse_conflicting_tables(tables)
        self._compare_with_names(options)

    @classmethod
    def recognise(cls, container: Container, options: SourceOptions) -> LabelledPictures | None:
        """Use the label file of ``options``, or those in the container, if there are any.

        Raises:
            UsageError: the label file of ``options`` does not exist.
            DataError: a label file cannot be read or used, or the container is damaged.
        """
        paths = PicturePaths(container)
        tables = read_label_tables(container, options, paths)
        return cls(container, tables, options, paths) if tables else None

    def fingerprint(self) -> str:
        """The fingerprint of the container, combined with that of a label file outside of it."""
        fingerprint = self._container.fingerprint()
        for digest in self._digests:
            fingerprint = hashlib.sha256(f"{fingerprint} {digest}".encode()).hexdigest()
        return fingerprint

    def entries(self) -> Iterator[Entry]:
        """Yield every picture, then every row without a picture."""
        seen: set[str] = set()
        position = 0
        yield from self._inner_entries()
        has_files = bool(self._row_of) or not self._inner
        for file in self._container.files() if has_files else ():
            position = file.position
            found = self._row_of.get(file.path)
            if found is None:
                yield self._problem(file.path, position, file.problem or "not in the manifest")
            elif file.path in seen:
                name = clean_path(found.row.path)
                yield self._problem(name, position, "another file with this path came before")
            else:
                seen.add(file.path)
                for number, face in enumerate((found, *found.others), start=1):
                    yield self._entry(file, face, number)
        present = frozenset(self._container.paths())
        left = list(self._unmatched)
        for path, found in self._row_of.items():
            if path not in seen:
                kind = ", but not a picture" if path in present else " but missing"
                problem = found.row.problem or f"listed in the manifest{kind}"
                left.append((replace(found, row=replace(found.row, problem=problem)), ""))
        for found, tried in sorted(left, key=lambda item: item[0].row.line):
            where = f"{found.file} line {found.row.line}"
            name = clean_path(found.row.path) or where
            yield self._problem(name, position, found.row.problem or "", found, tried)

    def _inner_entries(self) -> Iterator[Entry]:
        """Yield the pictures that the tables themselves contain."""
        for number, found in enumerate(self._inner, start=1):
            row = found.row
            position = self.total_bytes * number // len(self._inner)
            if row.problem is not None or row.picture is None:
                yield self._problem(row.path, position, row.problem or "", found)
                continue
            yield Entry(
                name=clean_path(row.path),
                content=row.picture(),
                position=position,
                label=row.label,
                aligned=row.is_chip if self._aligned is None else self._aligned,
                split=row.split,
                attributes=row.attributes,
            )

    def _entry(self, file: RawFile, found: _Labelled, number: int) -> Entry:
        """The face of a row, which is the picture's face with this number, from 1."""
        row = found.row
        name, content = clean_path(row.path), file.content
        if row.box is not None:
            name = f"{name}#{number}.png"
        problem = row.problem or file.problem
        if problem is not None:
            return self._problem(name, file.position, problem, found if row.problem else None)
        return Entry(
            name=name,
            content=content if row.box is None else crop_to_box(content, row.box, self._max_pixels),
            position=file.position,
            label=row.label,
            aligned=self._is_chip(name),
            split=row.split,
            attributes=row.attributes,
        )

    def _problem(
        self,
        name: str,
        position: int,
        problem: str,
        found: _Labelled | None = None,
        tried: str = "",
    ) -> Entry:
        if found is not None:
            problem = f"{problem} ({found.file} line {found.row.line})"
        return Entry(
            name=name,
            content=b"",
            position=position,
            label=None,
            aligned=self._is_chip(name),
            problem=f"{problem}; {tried}" if tried else problem,
        )

    def _is_chip(self, path: str) -> bool:
        return is_chip_name(path) if self._aligned is None else self._aligned

    def _refuse_conflicting_tables(self, tables: Sequence[LabelTable]) -> None:
        conflicts = [
            path
            for path, found in self._row_of.items()
            if found.row.problem is not None and found.row.problem.startswith(CONFLICTING_ROWS)
        ]
        if len(tables) > 1 and len(conflicts) > _TOLERATED_SHARE * len(self._row_of):
            raise DataError(
                f"{self._container.path}: {self._names} label {len(conflicts)} pictures "
                f"differently, such as {conflicts[0]}; say which one is right with `labels`"
            )

    def _compare_with_names(self, options: SourceOptions) -> None:
        """Report labels that contradict the names; refuse if there are many, unless allowed."""
        labels = {
            path: found.row.label
            for path, found in self._row_of.items()
            if found.row.label is not None
        }
        labels |= {
            found.row.path: found.row.label for found in self._inner if found.row.label is not None
        }
        found = find_contradictions(labels)
        if found is None or not found.text:
            return
        message = f"{self._names} {found.text}"
        if found.too_many and not options.trust_labels:
            raise DataError(
                f"{message}; correct it, say how gender is coded with `gender_coding`, or use it "
                "as it is with `trust_labels=True`"
            )
        self.notes += (message,)


def _match_rows(
    tables: Sequence[LabelTable], paths: PicturePaths
) -> tuple[dict[str, _Labelled], list[tuple[_Labelled, str]]]:
    """The row of each picture by its path, and the rows without a picture, with what was tried."""
    row_of: dict[str, _Labelled] = {}
    without: list[tuple[_Labelled, str]] = []
    for table in tables:
        row_names = count_names(table.rows)
        for row in table.rows:
            found = _Labelled(row=row, file=table.name)
            if row.picture is not None:
                continue
            if not row.path:
                without.append((found, ""))
                continue
            target = paths.find(row, table.place, row_names)
            if target is None:
                without.append(_missing(found, table, paths))
                continue
            other = row_of.get(target)
            if other is None:
                row_of[target] = found
            elif row.box is not None and other.row.box not in (None, row.box):
                row_of[target] = replace(other, others=(*other.others, found))
            else:
                row_of[target] = _merged(other, found)
    return row_of, _without_repetition(without)


def _missing(found: _Labelled, table: LabelTable, paths: PicturePaths) -> tuple[_Labelled, str]:
    """A row without a picture, with the places that were searched."""
    row = found.row
    if leaves(row.path):
        problem = f"path {shown(row.path)} is absolute or has '..', so it leaves the data set"
        return replace(found, row=replace(row, path="", problem=problem)), ""
    problem = row.problem or "listed in the manifest but missing"
    tried = "" if row.problem else paths.tried(row, table.place)
    return replace(found, row=replace(row, problem=problem)), tried


def _without_repetition(
    rows: Sequence[tuple[_Labelled, str]],
) -> list[tuple[_Labelled, str]]:
    """One row for each missing path."""
    seen: set[str] = set()
    kept = []
    for found, tried in rows:
        if found.row.path and found.row.path in seen:
            continue
        seen.add(found.row.path)
        kept.append((found, tried))
    return kept


def _merged(first: _Labelled, second: _Labelled) -> _Labelled:
    """Two rows of one picture: equal labels, labels that complete each other, or a conflict."""
    one, two = first.row, second.row
    attributes = _joined_attributes(one.attributes, two.attributes)
    if (one.label, one.split, one.problem) == (two.label, two.split, None):
        return replace(first, row=replace(one, attributes=attributes))
    if one.label is not None and two.label is not None and two.problem is None:
        label = _joined_labels(one.label, two.label)
        if label is not None and one.split in (two.split, None):
            joined = replace(one, label=label, split=two.split, attributes=attributes)
            return replace(first, row=joined)
    return replace(first, row=replace(one, label=None, problem=CONFLICTING_ROWS))


def _joined_attributes(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """The further columns of two rows of one picture; where they differ, the value is unknown."""
    joined = {**second, **first}
    return {name: value for name, value in joined.items() if second.get(name, value) == value}


def _joined_labels(first: FaceLabel, second: FaceLabel) -> FaceLabel | None:
    """The union of two labels of one picture; None if they conflict."""
    fields = [
        (first.years, second.years),
        (first.gender, second.gender),
        (first.race, second.race),
    ]
    if any(one is not None and two is not None and one != two for one, two in fields):
        return None
    return FaceLabel.of_years(
        first.years or second.years,
        second.gender if first.gender is None else first.gender,
        second.race if first.race is None else first.race,
    )
