from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from utkage.cli.row_output import Form
from utkage.prediction.face_rows import FaceRow

ROWS = [FaceRow("a.jpg", "no_face", faces=0), FaceRow("b.jpg", "failed", "b.jpg: damaged")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def interrupted() -> Iterator[FaceRow]:
    yield from ROWS
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("form", "stdout", "kept"),
    [
        (Form(json=False, jsonl=False, csv=False, out=None), io.StringIO(), "table 2"),
        (Form(json=False, jsonl=True, csv=False, out=None), Terminal(), '"file": "b.jpg"'),
        (Form(json=False, jsonl=True, csv=False, out=None), io.StringIO(), '"file": "b.jpg"'),
        (Form(json=False, jsonl=False, csv=True, out=None), Terminal(), "b.jpg,failed"),
        (Form(json=True, jsonl=False, csv=False, out=None), Terminal(), '"file": "b.jpg"'),
    ],
)
def test_what_was_answered_before_an_interruption_is_shown(
    form: Form, stdout: io.StringIO, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", stdout)

    def table(rows: list[FaceRow]) -> None:
        stdout.write(f"table {len(rows)}")

    with pytest.raises(KeyboardInterrupt):
        form.write(interrupted(), FaceRow, table)
    assert kept in stdout.getvalue()


def test_failures_are_counted() -> None:
    tables: list[int] = []
    form = Form(json=False, jsonl=False, csv=False, out=None)
    assert form.write(iter(ROWS), FaceRow, lambda rows: tables.append(len(rows))) == 1
    assert tables == [2]
    assert form.write(iter([]), FaceRow, lambda rows: tables.append(len(rows))) == 0
