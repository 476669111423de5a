from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from one_line_errors import assert_one_line_error

Invoke = Callable[..., Any]


def test_runs_where_there_are_none(invoke: Invoke, tmp_path: Path) -> None:
    assert_one_line_error(invoke("runs"), 2, "runs: no such folder", "utkage train")
    (tmp_path / "runs" / "holiday").mkdir(parents=True)
    result = invoke("runs")
    assert result.exit_code == 0
    assert "holiday: no files of a run" in result.stdout
    assert_one_line_error(invoke("runs", "--compare", "a", "b"), 2, "a: no such file")
