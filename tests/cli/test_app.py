"""Nothing slow at the door: what --help and import may load, and how fast usage errors come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from utkage.cli.app import app

HEAVY = ("torch", "torchvision", "cv2", "matplotlib", "onnxruntime", "sklearn")
COMMANDS = (
    *("prepare", "train", "recipes", "runs", "evaluate"),
    *("predict", "export", "serve", "info", "doctor"),
)

SPY = """
import json, sys
try:
    {code}
except SystemExit:
    pass
print("\\n" + json.dumps([name for name in {heavy!r} if name in sys.modules]))
"""


def _loaded_by(code: str) -> list[str]:
    script = SPY.format(code=code, heavy=HEAVY)
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    return list(json.loads(output.strip().splitlines()[-1]))


def test_import_loads_nothing_heavy() -> None:
    assert _loaded_by("import utkage") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["recipes"],
        ["recipes", "best"],
        ["runs", "."],
        *([c, "-h"] for c in COMMANDS),
    ],
)
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    code = f"import utkage.cli.app as a; sys.argv[1:] = {arguments!r}; a.main()"
    assert _loaded_by(code) == []


@pytest.mark.parametrize("command", ["recipes", "predict"])
def test_a_command_loads_no_other_command(command: str) -> None:
    code = f"import utkage.cli.app as a; sys.argv[1:] = ['{command}', '-h']; a.main()"
    script = SPY.format(code=code, heavy=tuple(f"utkage.cli.{name}" for name in COMMANDS))
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(output.strip().splitlines()[-1]) == [f"utkage.cli.{command}"]


def test_an_unknown_command_is_answered_with_a_similar_one() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "utkage", "predcit"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "predict" in result.stderr


def test_every_public_name_can_be_had() -> None:
    import utkage

    for name in utkage.__all__:
        assert getattr(utkage, name) is not None
    assert set(utkage.__all__) <= set(dir(utkage))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = utkage.no_such_name


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_example_and_common_options(command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "utkage", command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"},
    )
    assert f"Example: utkage {command}" in result.stdout
    # A server prints no result.
    for option in ("--quiet", "--debug", *(("--json",) if command != "serve" else ())):
        assert option in result.stdout


def test_version() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "utkage", "--version"], capture_output=True, text=True, check=True
    )
    import utkage

    assert result.stdout.strip() == f"utkage {utkage.__version__}"


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("utkage ev", {"evaluate"}),
        ("utkage predict --cr", {"--crop"}),
        ("utkage predict --crop ", {"auto", "box", "none"}),
        ("utkage predict --engine o", {"onnx"}),
        ("utkage predict --weights ", {"auto", "latest", "shipped", "mine/", "x.jpg"}),
        ("utkage evaluate --compare s", {"shipped"}),
        ("utkage export --format t", {"torchscript"}),
        ("utkage prepare --fix ", {"keep-one", "drop-conflicts", "none"}),
        ("utkage train --backbone res", {"resnet18", "resnet50"}),
        ("utkage train --config f", {"fast"}),
        ("utkage recipes b", {"best"}),
        ("utkage info ", {"shipped", "latest", "mine/", "x.jpg"}),
    ],
)
def test_completion_knows_commands_options_and_values(
    command_line: str, expected: set[str], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "x.jpg").touch()
    # What the shell asks for when completion is installed.
    done = subprocess.run(
        [sys.executable, "-c", "from utkage.cli.app import app; app(prog_name='utkage')"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "_UTKAGE_COMPLETE": "complete_bash",
            "COMP_WORDS": command_line,
            "COMP_CWORD": str(len(command_line.split(" ")) - 1),
        },
        cwd=tmp_path,
        check=False,
    )
    assert set(done.stdout.split()) == expected, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_complete_at_80_columns(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "utkage", command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
    )
    for bad in ("<str>", "<bool>", "<int>", "<path>", "<list", "docs/", "…", "race: ."):
        assert bad not in done.stdout, bad


def test_help_lists_every_backbone() -> None:
    from utkage.models.registry import BACKBONES

    result = CliRunner().invoke(app, ["train", "--help"])
    text = " ".join(result.output.replace("│", " ").split())
    assert [name for name in BACKBONES if name not in text] == []


def test_command_page_is_current() -> None:
    from tools.docs.__main__ import fresh_document

    text, fresh = fresh_document("docs/cli.md", check=True)
    assert text == fresh


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "", "--csv"],
        ["predict", "a.jpg", "--out", ""],
        ["prepare", " "],
        ["evaluate", "--data", ""],
        ["export", "--out="],
    ],
)
def test_an_empty_argument_is_never_the_working_folder(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from utkage.cli.app import app

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert "is empty (an unset variable?)" in line


def test_a_name_may_end_in_an_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from utkage.cli.app import app

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["evaluate", "--data=faces="])
    assert "faces=" in result.output
    assert "is empty" not in result.output
