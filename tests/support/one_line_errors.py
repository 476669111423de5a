"""Assertions on the one-line errors of commands."""

from __future__ import annotations

from typing import Any


def assert_one_line_error(result: Any, code: int, *parts: str) -> None:
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    for part in parts:
        assert part in lines[0]
