from __future__ import annotations

import pytest
from typer.testing import CliRunner

from utkage.cli.app import app
from utkage.cli.options import parse_aligned, parse_label_settings
from utkage.core.errors import ConfigError


@pytest.mark.parametrize(("choice", "expected"), [("auto", None), ("yes", True), ("no", False)])
def test_whether_pictures_are_chips(choice: str, expected: bool | None) -> None:
    assert parse_aligned(choice) is expected


@pytest.mark.parametrize("choice", ["", "true", "YES"])
def test_other_choices_are_refused(choice: str) -> None:
    with pytest.raises(ConfigError, match="choose one of auto, yes, no"):
        parse_aligned(choice)


def test_settings_of_a_label_file() -> None:
    found = parse_label_settings(
        "path=file, age = years", "1=male,2=female", ["glasses, hat", "none"]
    )
    assert found.columns == {"path": "file", "age": "years"}
    assert found.gender_coding == {"1": "male", "2": "female"}
    empty = parse_label_settings(None, None, None)
    assert (empty.columns, empty.gender_coding, empty.keep_columns) == ({}, {}, None)


@pytest.mark.parametrize("pairs", ["path", "path=", "=file", "path=a,path=b", ""])
def test_pairs_that_are_none(pairs: str) -> None:
    with pytest.raises(ConfigError, match="`columns`"):
        parse_label_settings(pairs, None, None)
    with pytest.raises(ConfigError, match="`gender_coding`"):
        parse_label_settings(None, pairs, None)


@pytest.mark.parametrize("command", ["predict", "prepare"])
def test_usage_names_paths_once(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80"})
    (usage,) = [line for line in result.stdout.splitlines() if "Usage:" in line]
    assert usage.split("[OPTIONS]")[1].strip() == "[PATH]..."
