"""Rows in files: whole lines, going on with them, and the same values in every form."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.prediction.row_files import (
    check_rows_file,
    csv_rows,
    finished_files,
    finished_rows,
    rows_file,
    videos_file,
    write_rows,
)
from utkage.prediction.rows import FaceRow, Row, RowOptions, TrackRow, gender_name
from utkage.prediction.run_record import RunRecord, record_file

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
    "content",
    [
        json.dumps({**ROWS[2].to_dict(), "gender": "GENDER"})
        .encode()
        .replace(b"GENDER", b"\xed\xa0\x80"),
        b"\xef\xbb\xbf" + json.dumps(ROWS[2].to_dict()).encode(),
        json.dumps(ROWS[2].to_dict()).encode("utf-16-le").replace(b"\n", b""),
    ],
    ids=["surrogate", "mark", "utf-16"],
)
def test_resume_refuses_lines_that_are_not_utf_8(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(content + b"\n")
    with pytest.raises(UsageError, match=r"other\.jsonl, line 1"):
        finished_files(path)
    assert path.read_bytes() == content + b"\n"


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
    genders = [gender_name(p, 0.75) for p in (0.1, 0.25, 0.26, 0.5, 0.74, 0.75, 1.0)]
    assert genders == ["male", "male", *["uncertain"] * 3, "female", "female"]
    assert gender_name(0.5, 0.5) == "female"
    for wrong in ({"interval": 1.0}, {"threshold": 0}, {"uncertain_below": 0.4}):
        with pytest.raises(ConfigError):
            RowOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet"])
def test_only_rows_are_replaced(tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = written(tmp_path / f"rows{suffix}")
    written(path)
    mine = tmp_path / f"mine{suffix}"
    mine.write_text("file,age\n" if suffix == ".csv" else '[{"file": "a"}]')
    with pytest.raises(UsageError, match=f"^`out` .*mine{suffix}: exists and is not an earlier"):
        check_rows_file(mine, resume=False)
    check_rows_file(mine, resume=False, overwrite=True)
    assert "a" in mine.read_text()


@pytest.mark.parametrize(
    ("name", "content", "is_rows"),
    [
        ("a.csv", b"file,status,reason,face", True),
        ("a.CSV", b"file,status,reason,face", True),
        ("a.csv", b"File,Status,Reason,face", False),
        ("a.json", b'[\n  {\n    "file": "a \\" b",\n    "status": "ok"', True),
        ("a.json", b"[]\n", True),
        ("a.json", b"[] x", False),
        ("a.json", b'x [{"file": "a", "status": "ok"}]', False),
        ("a.parquet", b"PAR1....range_probability", True),
        ("a.parquet", b"PAR1....", False),
        ("a.parquet", b"XXXX....range_probability", False),
        ("a.parquet", b"file,status,reason,face", False),
    ],
)
def test_rows_are_recognised_by_their_content(
    tmp_path: Path, name: str, content: bytes, is_rows: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    try:
        check_rows_file(path, resume=False)
    except UsageError:
        assert not is_rows
    else:
        assert is_rows


def test_the_messages_about_the_file_of_rows(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_rows_file(tmp_path / "a.txt", resume=False)
    assert str(caught.value).endswith("choose one of the suffixes .jsonl, .json, .csv, .parquet")
    path = tmp_path / "a.csv"
    path.touch()
    with pytest.raises(UsageError, match=r"^`out` .*a\.csv: is an input of this command"):
        check_rows_file(path, resume=False, overwrite=True, inputs=[path])


def test_finished_rows_are_those_of_the_file(tmp_path: Path) -> None:
    assert list(finished_rows(tmp_path / "none.jsonl", FaceRow)) == []
    path = written(tmp_path / "rows.jsonl")
    found = list(finished_rows(path, FaceRow))
    assert [(row.file, row.status, row.face) for row in found] == [
        *(("a b/é.jpg", "ok", 1), ("a b/é.jpg", "ok", 2)),
        *(("empty.jpg", "no_face", None), ("bad.jpg", "failed", None)),
    ]


def test_finished_rows_of_videos_and_of_names_in_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = TrackRow("caf\udce9.mp4", "ok", track=3, looks=2)
    with rows_file(path, TrackRow) as write:
        write(row)
    (found,) = finished_rows(path, TrackRow)
    assert (found.file, found.status, found.track) == ("caf\udce9.mp4", "ok", 3)


def test_a_video_is_finished_where_another_one_follows_or_if_it_failed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    first = TrackRow("a.mp4", "ok", track=1), TrackRow("a.mp4", "ok", track=2)
    failed, other = TrackRow("b.mp4", "failed", "damaged"), TrackRow("c.mp4", "ok", track=1)

    def finished(*rows: TrackRow) -> tuple[dict[str, int], int]:
        path.write_text("".join(json.dumps(row.to_dict()) + "\n" for row in rows))
        return dict(finished_files(path, TrackRow)), len(path.read_text().splitlines())

    assert finished(*first) == ({}, 0)
    assert finished(*first, other) == ({"a.mp4": 1}, 2)
    assert finished(failed) == ({"b.mp4": 1}, 1)
    assert finished(*first, failed, other, failed) == ({"a.mp4": 1, "b.mp4": 2, "c.mp4": 1}, 5)
    assert finished(*first, other, *first, other) == ({"a.mp4": 2, "c.mp4": 1}, 5)


def test_the_last_video_of_a_run_that_ended_is_finished(tmp_path: Path) -> None:
    path, record = tmp_path / "rows.jsonl", RunRecord({"shard": "0/1"})
    first, second = TrackRow("a.mp4", "ok", track=1), TrackRow("b.mp4", "ok", track=1)

    def write(rows: Iterable[TrackRow]) -> None:
        with rows_file(path, TrackRow, resume=True, record=record) as append:
            for row in rows:
                append(row)

    write([first, second])
    length = path.stat().st_size
    assert finished_files(path, TrackRow) == {"a.mp4": 1, "b.mp4": 1}

    # The last video of a run that was stopped is not, but those of the run before are.
    def stopped() -> Iterator[TrackRow]:
        yield TrackRow("c.mp4", "ok", track=1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(stopped())
    assert path.stat().st_size > length
    assert finished_files(path, TrackRow) == {"a.mp4": 1, "b.mp4": 1}
    assert path.stat().st_size == length
    write([])
    assert finished_files(path, TrackRow) == {"a.mp4": 1, "b.mp4": 1}
    # As from a former version.
    record_file(path).unlink()
    assert finished_files(path, TrackRow) == {"a.mp4": 1}


def test_a_record_of_another_version_is_compared_where_both_have_settings(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl")
    RunRecord({"shard": "0/1", "former": 1}).write(path)
    check_rows_file(path, resume=True, record=RunRecord({"shard": "0/1", "later": (1, 2)}))
    with pytest.raises(UsageError, match=r"`shard` 0/1, not 1/2; "):
        check_rows_file(path, resume=True, record=RunRecord({"shard": "1/2", "later": (1, 2)}))
    with rows_file(path, resume=True, record=RunRecord({"shard": "0/1", "later": (1, 2)})):
        pass
    check_rows_file(path, resume=True, record=RunRecord({"shard": "0/1", "later": (1, 2)}))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": "utkage run", "settings": 3}'])
def test_a_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    path = written(tmp_path / "rows.jsonl")
    record_file(path).write_text(content)
    with pytest.raises(UsageError, match=r"\.rows\.jsonl\.run: damaged .*; remove it"):
        check_rows_file(path, resume=True, record=RunRecord({}))


def test_names_of_files_of_videos_are_never_too_long(tmp_path: Path) -> None:
    paths = [tmp_path / f"{'é' * 124}{letter}.jsonl" for letter in "ab"]
    names = [videos_file(path).name for path in paths]
    assert all(len(name.encode()) <= 255 and name.endswith(".videos.jsonl") for name in names)
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        (ROWS[2], TrackRow, "a row of pictures, where those of videos belong"),
        (TrackRow("a.mp4", "no_face"), FaceRow, "a row of videos, where those of pictures belong"),
    ],
)
def test_rows_of_the_other_kind_are_named(
    tmp_path: Path, row: Row, kind: type[Row], message: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row.to_dict()) + "\n")
    with pytest.raises(UsageError) as caught:
        finished_files(path, kind)
    assert str(caught.value) == f"{path}, line 1: {message}; name another file"


def test_text_is_safe_for_spreadsheets_on_request(tmp_path: Path) -> None:
    row = replace(ROWS[2], file="=1+1.jpg")
    for safe, cell in ((False, "=1+1.jpg"), (True, "'=1+1.jpg")):
        path = tmp_path / f"{safe}.csv"
        with rows_file(path, csv_safe=safe) as write:
            write(row)
        assert path.read_bytes().splitlines()[1].split(b",")[0].decode() == cell
    text = io.StringIO()
    csv_rows(text)(row)
    assert text.getvalue().splitlines()[1].startswith("=1+1")


def test_the_number_of_failed_inputs() -> None:
    written_rows: list[Row] = []
    failed = [replace(ROWS[3], file=f"{number}.jpg") for number in range(2)]
    assert write_rows([*failed, *ROWS[:3]], written_rows.append) == 2
    assert written_rows == [*failed, *ROWS[:3]]
    assert write_rows(ROWS, None) == 1
    assert write_rows([], None) == 0


def test_a_full_disk_says_that_rows_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object, text: str) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr("utkage.prediction.row_files.append_whole", full)
    with pytest.raises(DataError) as caught:
        written(path)
    assert str(caught.value) == (
        f"{path}: No space left on device; the rows in it are whole: make room, and continue with "
        "`resume=True`"
    )


@pytest.mark.skipif(os.name != "posix", reason="hard links and locks of POSIX")
def test_one_file_under_two_names_has_one_writer(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.touch()
    os.link(path, other)
    with rows_file(path), pytest.raises(UsageError) as caught:
        written(other)
    assert str(caught.value) == (
        f"{other}: another utkage is writing this file under another name; wait until it ends"
    )


def test_line_endings_are_those_of_unix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.linesep", "\r\n")
    assert b"\r" not in written(tmp_path / "rows.csv").read_bytes()
    assert "é.jpg".encode() in written(tmp_path / "rows.jsonl").read_bytes()


def test_parquet_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError) as caught:
        check_rows_file(tmp_path / "a.parquet", resume=False)
    expected = "Parquet needs one more package; run: pip install 'utkage[parquet]'"
    assert str(caught.value) == expected
    check_rows_file(tmp_path / "a.csv", resume=False)
