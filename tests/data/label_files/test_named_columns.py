"""The rows of a manifest: values, JSON Lines, and tables as programs write them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.data.label_files import read_label_file
from utkage.data.label_files.settings import LabelSettings
from utkage.data.labels import AgeRange, FaceLabel
from utkage.data.sources.base import Entry
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source

Folder = Callable[[Path, Mapping[str, bytes]], Path]


def read(path: Path, **options: object) -> dict[str, Entry]:
    entries = list(open_source(path, SourceOptions(**options)).entries())  # type: ignore[arg-type]
    found = {entry.name: entry for entry in entries}
    assert len(found) == len(entries)
    return found


ROWS = {
    "age": [
        ("0", 0),
        ("116", 116),
        (" 7 ", 7),
        ("25.0", 25),
        ("25.", 25),
        ("25.5", "not a whole number"),
        ("-1", "not a whole number"),
        ("117", "age 117 is outside"),
        ("", "not a whole number"),
        ("nan", "not a whole number"),
        ("1e1", "not a whole number"),
        ("٢٥", "not a whole number"),
        ("9" * 5000, "not a whole number"),
    ],
    "gender": [
        *((text, 0) for text in ("0", "m", "M", "male", "Male")),
        *((text, 1) for text in ("1", "f", "F", "FEMALE")),
        *((text, "none of 0, 1") for text in ("2", "x", "", "person")),
    ],
    "race": [
        ("", None),
        ("0", 0),
        ("2.0", 2),
        ("asian", 2),
        ("Others", 4),
        ("5", None),
        ("Martian", None),
    ],
    "split": [
        ("", None),
        ("train", "train"),
        ("VAL", "val"),
        ("test", "test"),
        ("dev", "none of train, val, test"),
    ],
}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [(column, *row) for column, rows in ROWS.items() for row in rows],
)
def test_values(
    tmp_path: Path,
    write_folder: Folder,
    kind: str,
    column: str,
    text: str,
    expected: int | str | None,
) -> None:
    row = {"path": "a.jpg", "age": "1", "gender": "0", "race": "", "split": "", column: text}
    content = f"{','.join(row)}\n{','.join(row.values())}\n" if kind == "csv" else json.dumps(row)
    write_folder(tmp_path, {f"labels.{kind}": content.encode(), "a.jpg": b"A"})
    (entry,) = read(tmp_path).values()
    if entry.problem is not None:
        assert isinstance(expected, str)
        assert expected in entry.problem
        assert f"(labels.{kind} line " in entry.problem
        assert len(entry.problem) < 200
        assert entry.content == b""
    else:
        assert entry.label is not None
        value = entry.split if column == "split" else getattr(entry.label, column)
        assert value == expected


def test_json_numbers_and_nonsense(tmp_path: Path, write_folder: Folder) -> None:
    lines = [
        '{"path": "a.jpg", "age": 25.0, "gender": 1, "race": null, "other": [1]}',
        "",
        "[1, 2]",
        "{broken",
        "[" * 100_000,
        '{"path": "b.jpg", "age": true, "gender": 1}',
        '{"path": "c.jpg", "age": 5, "gender": [1]}',
        '{"path": {"x": 1}, "age": 5, "gender": 1}',
        "9" * 5000,
        '{"path": "d.jpg", "age": 1' + "0" * 5000 + ', "gender": 1}',
    ]
    files = {f"{name}.jpg": b"x" for name in "abcd"}
    write_folder(tmp_path, {"labels.jsonl": "\r\n".join(lines).encode(), **files})
    found = read(tmp_path)
    assert found["a.jpg"].label == FaceLabel(25, 1)
    assert all(entry.problem for name, entry in found.items() if name != "a.jpg")
    assert "not JSON" in str(found["labels.jsonl line 4"].problem)
    assert "not a JSON object" in str(found["labels.jsonl line 3"].problem)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_as_programs_write_them(
    tmp_path: Path, write_folder: Folder, delimiter: str, end: str, encoding: str
) -> None:
    rows = [["Gender", "id", "AGE", "Path "], ["F", "x", "3", '"a,;b é.jpg"'], [""]]
    text = end.join(delimiter.join(row) for row in rows) + end
    write_folder(tmp_path, {"labels.csv": text.encode(encoding), "a,;b é.jpg": b"A"})
    (entry,) = read(tmp_path).values()
    assert (entry.name, entry.label) == ("a,;b é.jpg", FaceLabel(3, 1))


@pytest.mark.parametrize(
    "header", [b"", b"a.jpg,2,female\n", b"path,weight\n", b"path,age,gender,age\n", b"\0\xff\xfe"]
)
def test_a_csv_without_header_is_an_error(
    tmp_path: Path, write_folder: Folder, header: bytes
) -> None:
    write_folder(tmp_path, {"labels.csv": header, "a.jpg": b"A"})
    with pytest.raises(DataError, match=r"labels\.csv: the first line does not name"):
        open_source(tmp_path)


def test_labels_of_fairface() -> None:
    text = "file,age,gender,race,service_test\nval/1.jpg,3-9,Male,East Asian,False\n"
    text += "val/2.jpg,more than 70,Female,White,True\n"
    found = read_label_file(text.encode(), "fairface_label_val.csv")
    assert [row.label for row in found.rows] == [
        FaceLabel(None, 0, None, AgeRange(3, 9)),
        FaceLabel(None, 1, 0, AgeRange(71, 116)),
    ]


def test_numbers_of_imdb_wiki_are_read_in_its_coding() -> None:
    rows = "17/10000217_1981-05-05_2009.jpg,28,1.0\n48/10000548_1925-04-04_1964.jpg,39,0.0\n"
    content = f"full_path,age,gender\n{rows}".encode()
    found = read_label_file(content, "wiki.csv")
    assert [row.label for row in found.rows] == [FaceLabel(28, 0), FaceLabel(39, 1)]
    assert "0 female" in found.notes[0]
    settings = LabelSettings(gender_coding={"0": "male", "1": "female"})
    assert read_label_file(content, "wiki.csv", settings).rows[0].label == FaceLabel(28, 1)


def test_letters_do_not_suffer_from_a_missing_number() -> None:
    rows = read_label_file(b"img_name,age,gender\na.jpg,25,M\nb.jpg,-1,-1\n", "t.csv").rows
    assert rows[0].label == FaceLabel(25, 0)
    assert rows[1].label is None
