"""Rows in files: whole lines, going on with them, and the same values in every form."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from utkage.core.errors import ConfigError, UsageError
from utkage.prediction.row_files import finished_files, rows_file
from utkage.prediction.rows import FaceRow, RowOptions, gender_name

FACE = FaceRow(
    "a b/é.jpg",
    "ok",
    face=1,
    box=(1.0, 2.0, 3.5, 4.0),
    score=0.9,
    age=30.0,
    age_low=25.0,
    age_high=35.0,
    range="26-35",
    range_probability=0.7,
    gender="female",
    p_female=0.9,
    interval_level=0.8,
    flags=("small", "cut_off"),
    landmarks=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0), (9.0, 10.0)),
    faces=2,
)
ROWS = (
    FACE,
    replace(FACE, face=2, flags=()),
    FaceRow("empty.jpg", "no_face", faces=0),
    FaceRow("bad.jpg", "failed", "bad.jpg: damaged"),
)


def written(path: Path, rows: tuple[FaceRow, ...] = ROWS, *, resume: bool = False) -> Path:
    with rows_file(path, resume=resume) as write:
        for row in rows:
            write(row)
    return path


def test_every_form_says_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    wanted = [row.to_dict() for row in ROWS]
    lines = written(tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == wanted
    assert json.loads(written(tmp_path / "rows.json").read_bytes()) == wanted
    assert parquet.read_table(written(tmp_path / "rows.parquet")).to_pylist() == wanted
    with written(tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == list(FaceRow.column_names())
    assert table[0]["flags"] == "small cut_off"
    assert table[0]["nose_y"] == "6.0"
    assert table[3]["reason"] == "bad.jpg: damaged"
    assert all(
        table[2][name] == ""
        for name in FaceRow.column_names()
        if name not in ("file", "status", "faces")
    )


def test_no_rows(tmp_path: Path) -> None:
    assert json.loads(written(tmp_path / "none.json", ()).read_bytes()) == []


def test_resume_cuts_what_is_not_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", ROWS[2:])
    whole = path.read_bytes()
    first = json.dumps(ROWS[0].to_dict()) + "\n"
    for rest in ("", first, first + '{"file": "a b/'):
        path.write_bytes(whole + rest.encode())
        assert set(finished_files(path)) == {"empty.jpg", "bad.jpg"}
        assert path.read_bytes() == whole
    written(path, ROWS[:2], resume=True)
    assert set(finished_files(path)) == {"empty.jpg", "bad.jpg", "a b/é.jpg"}
    assert not finished_files(tmp_path / "not-yet.jsonl")


@pytest.mark.parametrize("added", [("frame",), ("rotated", "frame")])
def test_resume_continues_rows_from_before_columns_were_added(
    tmp_path: Path, added: tuple[str, ...]
) -> None:
    path = tmp_path / "rows.jsonl"
    former = {name: value for name, value in ROWS[2].to_dict().items() if name not in added}
    path.write_text(json.dumps(former) + "\n")
    assert set(finished_files(path)) == {ROWS[2].file}


def test_rows_that_stop_within_a_file_are_not_written(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", ROWS[:1])
    assert path.read_bytes() == b""


@pytest.mark.parametrize("content", ["[1]\n", '{"file": "a.jpg"}\n', "thesis\n"])
def test_resume_refuses_other_files(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"other\.jsonl, line 1"):
        finished_files(path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("file", ["a.jpg"], "file = .*must be a string"),
        ("file", {"a": 1}, "must be a string"),
        ("file", None, "must be a string"),
        ("status", "fine", "status 'fine'"),
        ("status", 3, "must be a string"),
        ("face", "1", "face = '1'"),
        ("face", True, "face = True"),
        ("face", 0, "face 0 of 2, is not a row"),
        ("face", 3, "face 3 of 2, is not a row"),
        ("faces", None, "face 1 of None, is not a row"),
        ("faces", 2.5, "faces = 2.5"),
        ("age", "old", "age = 'old': must be a number or none"),
        ("box", [1, 2, 3], "box = .*must be a list of 4 numbers"),
        ("landmarks", "x" * 10_000, r"landmarks = 'x{1,80}\.\.\."),
        ("flags", [1], "flags = .*a list of strings"),
    ],
)
def test_resume_refuses_rows_of_other_types(
    tmp_path: Path, name: str, value: object, reason: str
) -> None:
    path = tmp_path / "rows.jsonl"
    line = json.dumps({**FACE.to_dict(), name: value}) + "\n"
    path.write_text(line)
    with pytest.raises(UsageError, match=rf"rows\.jsonl, line 1: .*{reason}"):
        finished_files(path)
    assert path.read_text() == line


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[" * 100_000 + "\n", "not JSON; .*nested deeper"),
        ('{"file": ' * 300 + "1" + "}" * 300 + "\n", "not JSON; .*nested deeper"),
        ("x" * 2_000_000, "too long for a row"),
        ('"' + "\udce9" + '"\n', "not a row"),
    ],
)
def test_resume_reads_lines_within_limits(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line, errors="backslashreplace")
    with pytest.raises(UsageError, match=rf"rows\.jsonl, line 1: {reason}"):
        finished_files(path)


def test_resume_knows_files_whose_names_are_not_utf_8(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", (replace(ROWS[2], file="caf\udce9.jpg"),))
    assert set(finished_files(path)) == {"caf\udce9.jpg"}


def test_every_form_has_null_in_place_of_nan(tmp_path: Path) -> None:
    row = replace(FACE, faces=1, score=float("nan"))
    for suffix in (".jsonl", ".json"):
        text = written(tmp_path / f"rows{suffix}", (row,)).read_text()
        assert "NaN" not in text
        assert '"score": null' in text


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl")
    with pytest.raises(UsageError, match="`resume=True`"):
        written(path)
    for name, resume in (("rows.txt", False), ("rows.csv", True)):
        with pytest.raises(UsageError, match="rows"):
            written(tmp_path / name, resume=resume)


def test_fields_and_limits() -> None:
    assert len(FaceRow.field_names()) == len(FACE.to_dict())
    assert len(FaceRow.column_names()) == len(FACE.to_cells())
    words = [gender_name(p, 0.75) for p in (0.1, 0.25, 0.26, 0.5, 0.74, 0.75, 1.0)]
    assert words == ["male", "male", *["uncertain"] * 3, "female", "female"]
    assert gender_name(0.5, 0.5) == "female"
    for wrong in ({"interval": 1.0}, {"threshold": 0}, {"uncertain_below": 0.4}):
        with pytest.raises(ConfigError):
            RowOptions(**wrong)  # type: ignore[arg-type]
