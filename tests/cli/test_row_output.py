from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from utkage.cli.row_output import RowDestination
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


def test_failures_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert RowDestination().write(iter(ROWS), FaceRow) == 1
    printed = capsys.readouterr().out
    assert "a.jpg" in printed
    assert "b.jpg: damaged" in printed
    assert RowDestination().write(iter([]), FaceRow) == 0
    assert capsys.readouterr().out == ""
