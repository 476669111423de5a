"""``utkage doctor`` prints Markdown, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from utkage import __version__

Invoke = Callable[..., Any]


def test_markdown_for_a_report(invoke: Invoke) -> None:
    done = invoke("doctor")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:4] == ["### system", "", "| what | value |", "|---|---|"]
    assert lines[4] == f"| utkage | {__version__} |"
    assert "### optional packages" in lines


def test_json_for_a_program(invoke: Invoke) -> None:
    found = json.loads(invoke("doctor", "--json", "--quiet").stdout)
    assert found["system"]["utkage"] == __version__
    assert set(found) == {"system", "packages", "optional packages"}
