from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from one_line_errors import assert_one_line_error

Invoke = Callable[..., Any]


def test_recipes_are_listed_and_printed(invoke: Invoke, tmp_path: Path) -> None:
    listed = invoke("recipes")
    assert listed.exit_code == 0
    for name in ("best", "default", "fast", "seed"):
        assert name in listed.stdout
    assert "tools.release import-faceres" in listed.stdout
    rows = json.loads(invoke("recipes", "--json").stdout)
    assert [row["name"] for row in rows] == ["best", "default", "fast", "seed"]
    printed = invoke("recipes", "best")
    (tmp_path / "my.toml").write_text(printed.stdout)
    configs = [invoke("train", "--config", c, "--print-config") for c in ("best", "my.toml")]
    assert configs[0].stdout == configs[1].stdout
    assert json.loads(invoke("recipes", "best", "--json").stdout)["training"]["epochs"] == 20
    assert_one_line_error(invoke("recipes", "bets"), 2, "the nearest is best")
