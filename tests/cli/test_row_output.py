from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from utkage.cli.row_output import RowDestination
from utkage.cli.streams import escape_unknown_characters
from utkage.prediction.row_list import Rows
from utkage.prediction.rows import FaceRow

ROWS = [FaceRow("a.jpg", "no_face", faces=0), FaceRow("b.jpg", "failed", "b.jpg: damaged")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def interrupted() -> Iterator[FaceRow]:
    yield from ROWS
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("destination", "stdout", "kept"),
    [
        (RowDestination(), io.StringIO(), "no face found"),
        (RowDestination(jsonl=True), Terminal(), '"file": "b.jpg"'),
        (RowDestination(jsonl=True), io.StringIO(), '"file": "b.jpg"'),
        (RowDestination(csv=True), Terminal(), "b.jpg,failed"),
        (RowDestination(json=True), Terminal(), '"file": "b.jpg"'),
    ],
)
def test_rows_before_an_interruption_are_shown(
    destination: RowDestination,
    stdout: io.StringIO,
    kept: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout", stdout)
    with pytest.raises(KeyboardInterrupt):
        destination.write(interrupted(), FaceRow)
    assert kept in stdout.getvalue()
    assert "b.jpg" in stdout.getvalue()


ODD = "2 😀 \udcff.jpg"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-16"])
@pytest.mark.parametrize("kind", ["table", "csv", "json", "jsonl"])
def test_output_never_fails_by_its_encoding(
    kind: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(content, encoding=encoding))
    escape_unknown_characters()
    settings = {} if kind == "table" else {kind: True}
    RowDestination(**settings).write([FaceRow(ODD, "failed", f"{ODD}: damaged")], FaceRow)
    sys.stdout.flush()
    text = content.getvalue().decode(encoding if kind == "table" else "utf-8")
    assert "damaged" in text
    if kind == "csv":
        assert "2 😀 \\udcff.jpg,failed" in text
    if kind == "jsonl":
        assert json.loads(text)["file"] == ODD


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_files_never_fail_by_a_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    RowDestination(out=path).write([FaceRow(ODD, "failed", f"{ODD}: damaged")], FaceRow)
    assert "damaged" in path.read_text(encoding="utf-8")


def test_control_characters_are_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [FaceRow("red\x1b[31m\n.jpg", "failed", "red\x1b[31m\n.jpg: damaged")]
    for settings in ({}, {"csv": True}, {"json": True}, {"jsonl": True}):
        stdout = Terminal()
        monkeypatch.setattr("sys.stdout", stdout)
        RowDestination(**settings).write(rows, FaceRow)
        assert "\x1b[31m" not in stdout.getvalue()
        assert "red" in stdout.getvalue()
    assert json.loads(stdout.getvalue())["file"] == rows[0].file
    assert "\x1b" not in str(Rows(rows))
    piped = io.StringIO()
    monkeypatch.setattr("sys.stdout", piped)
    RowDestination(csv=True).write(rows, FaceRow)
    assert "red\x1b[31m\n.jpg" in piped.getvalue()


def test_failures_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert RowDestination().write(iter(ROWS), FaceRow) == 1
    printed = capsys.readouterr().out
    assert "a.jpg" in printed
    assert "b.jpg" in printed
    assert "│ damaged" in printed, "the file has a column of its own"
    assert RowDestination().write(iter([]), FaceRow) == 0
    assert capsys.readouterr().out == ""
