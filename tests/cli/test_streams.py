"""Standard streams that are closed, full, or in an encoding that lacks characters."""

from __future__ import annotations

import io
import os
import sys

import pytest

from utkage.cli.streams import (
    ClosedStdout,
    data_stdout,
    discard_stdout,
    escape_unknown_characters,
    require_stdout,
)
from utkage.core.errors import UsageError


def _text(encoding: str) -> tuple[io.BytesIO, io.TextIOWrapper]:
    raw = io.BytesIO()
    return raw, io.TextIOWrapper(raw, encoding=encoding)


def test_a_closed_stdout_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    require_stdout()
    monkeypatch.setattr(sys, "stdout", ClosedStdout())
    with pytest.raises(UsageError, match="stdout: closed; redirect it to a file"):
        require_stdout()
    with pytest.raises(OSError, match="closed") as caught:
        print("a row")
    assert caught.value.filename == "stdout"


def test_unknown_characters_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw, stream = _text("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    escape_unknown_characters()
    print("Zoë", flush=True)
    assert raw.getvalue() == b"Zo\\xeb\n"


def test_data_is_utf_8_whatever_the_code_page(monkeypatch: pytest.MonkeyPatch) -> None:
    raw, stream = _text("cp1252")
    monkeypatch.setattr(sys, "stdout", stream)
    print("Zoë 😀", file=data_stdout(), flush=True)
    assert raw.getvalue().decode("utf-8") == "Zoë 😀\n"


def test_discarded_output_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading) as reader:
        monkeypatch.setattr(sys, "stdout", stream)
        print("kept", flush=True)
        discard_stdout()
        print("lost", flush=True)
        stream.close()
        assert reader.read() == "kept\n"
