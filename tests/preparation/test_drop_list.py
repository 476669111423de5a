from pathlib import Path

import pytest

from utkage.core.errors import DataError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.labels import FaceLabel
from utkage.data.records import Record
from utkage.preparation.drop_list import read_drop_list


class Collected(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def record(source: str, name: str) -> Record:
    return Record(
        source=source,
        name=name,
        label=FaceLabel(30, 0, 0),
        byte_hash="",
        pixel_hash="",
        perceptual=b"",
        width=1,
        height=1,
        aligned=True,
        wrong_extension=False,
        constant=False,
    )


def test_only_marked_pictures_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("source,file,drop\na,1.jpg,yes\na,2.jpg,\na,3.jpg,No\nb,4.jpg, X \n")
    drop = read_drop_list(path)
    dropped = [
        (s, n)
        for s in "ab"
        for n in ("1.jpg", "2.jpg", "3.jpg", "4.jpg")
        if drop.drops(record(s, n))
    ]
    assert dropped == [("a", "1.jpg"), ("b", "4.jpg")]


def test_without_sources_a_name_is_that_of_any_source(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file,drop\n1.jpg,yes\n")
    drop = read_drop_list(path)
    assert drop.drops(record("a", "1.jpg"))
    assert drop.drops(record("b", "1.jpg"))


def test_names_that_no_picture_has_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("source,file,drop\na,1.jpg,yes\na,mispelt.jpg,yes\n")
    reporter = Collected()
    read_drop_list(path).report_unknown([record("a", "1.jpg")], reporter)
    (warning,) = reporter.warnings
    assert "1 picture to drop not found (first: line 3, mispelt.jpg)" in warning


@pytest.mark.parametrize(
    ("start", "delimiter", "encoding"),
    [
        ("", ";", "utf-8-sig"),
        ("sep=;\r\n", ";", "utf-8"),
        ("", "\t", "utf-16"),
        ("\r\n", ",", "utf-8"),
    ],
)
def test_lists_that_a_spreadsheet_saved(
    tmp_path: Path, start: str, delimiter: str, encoding: str
) -> None:
    lines = ("source,file,drop", "a,\u00e9.jpg,yes", "a,2.jpg,maybe")
    text = start + "\r\n".join(lines).replace(",", delimiter)
    path = tmp_path / "list.csv"
    path.write_bytes(text.replace("maybe", "no").encode(encoding))
    assert read_drop_list(path).drops(record("a", "\u00e9.jpg"))
    assert not read_drop_list(path).drops(record("a", "2.jpg"))
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=f"line {4 if start else 3}: the column drop"):
        read_drop_list(path)


def test_names_that_no_spreadsheet_takes_for_formulas_are_those_of_the_pictures(
    tmp_path: Path,
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("source,file,drop\n'=a,'-1.jpg,yes\n'=a,2.jpg,yes\n")
    drop = read_drop_list(path)
    reporter = Collected()
    records = [record("=a", "-1.jpg"), record("=a", "2.jpg")]
    drop.report_unknown(records, reporter)
    assert not reporter.warnings
    assert all(map(drop.drops, records))


def test_other_words_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file,drop\n1.jpg,perhaps\n")
    with pytest.raises(DataError, match=r"line 2.*perhaps"):
        read_drop_list(path)


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_drop_list(tmp_path / "none.csv")
    path = tmp_path / "list.csv"
    path.write_text("file\n1.jpg\n")
    with pytest.raises(DataError, match="drop"):
        read_drop_list(path)
