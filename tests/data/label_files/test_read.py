"""From bytes to rows: which format, and which encoding."""

from __future__ import annotations

import pytest

from utkage.core.errors import DataError
from utkage.data.label_files import read_label_file
from utkage.data.labels import FaceLabel

LABEL = FaceLabel(25, 1)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp949", "김민수.jpg"),
        ("cp932", "田中さん.jpg"),
        ("gb18030", "张伟的照片.jpg"),
        ("cp1252", "Müller é.jpg"),
        ("cp1251", "Анна.jpg"),
        ("cp1250", "Łukasz.jpg"),
        ("utf-16", "Łukasz 김.jpg"),
        ("utf-16-le", "a.jpg"),
        ("utf-16-be", "a.jpg"),
        ("utf-32", "é.jpg"),
        ("utf-8-sig", "é.jpg"),
    ],
)
def test_the_encoding_is_the_one_that_names_the_pictures(encoding: str, name: str) -> None:
    content = f"path,age,gender\n{name},25,f\n".encode(encoding)
    found = read_label_file(content, "t.csv", is_there=lambda path: path == name)
    assert [(row.path, row.label) for row in found.rows] == [(name, LABEL)]


def test_words_decide_where_all_paths_are_ascii() -> None:
    content = "Datei;Alter;Geschlecht\na.jpg;25;weiblich\nb.jpg;26;männlich\n".encode("cp1252")
    found = read_label_file(content, "t.csv", is_there=lambda path: path in ("a.jpg", "b.jpg"))
    assert [row.label for row in found.rows] == [LABEL, FaceLabel(26, 0)]
    assert found.notes == ("not UTF-8; read as cp1252",)


@pytest.mark.parametrize("name", ["labels", "labels.dat", "LABELS.CSV"])
def test_any_other_suffix_is_read_as_a_delimited_table(name: str) -> None:
    (row,) = read_label_file(b"path;age;gender\na.jpg;25;f\n", name).rows
    assert (row.path, row.label) == ("a.jpg", LABEL)


def test_an_error_names_the_file_and_is_that_of_the_most_probable_encoding() -> None:
    content = "Gewicht;Größe\n1;2\n".encode("cp1252")
    with pytest.raises(DataError, match=r"^t\.csv: the first line does not name") as error:
        read_label_file(content, "t.csv")
    assert "gewicht" in str(error.value).lower()
