"""What the documents say about the program itself: options, exit codes, settings, output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer.main

from tools.documents import DOCS, ROOT, markdown
from utkage.cli.app import app
from utkage.core.errors import ExitCode
from utkage.core.settings import field_docs, to_table
from utkage.core.toml_file import toml_lines
from utkage.data.augment import AugmentConfig
from utkage.training.recipe import AUGMENTATION, SYSTEMS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# By block of docs/training.md.
SETTINGS: dict[str, type[DataclassInstance]] = {**SYSTEMS, AUGMENTATION: AugmentConfig}
PICTURE = DOCS / "images" / "family.annotated.jpg"
EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed; one line on stderr says what, which file, and what to do",
    ExitCode.USAGE: "wrong usage: an unknown option, or missing weights, data or device",
    ExitCode.SOME_INPUTS_FAILED: "`predict` went through all inputs, but could not read some, or "
    "could not write a picture of some",
    ExitCode.GATE_CLOSED: "`export`: the file and the weights disagree; no file was written",
    ExitCode.HANGUP: "stopped because the terminal was closed (SIGHUP), as by Ctrl-C",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C; finished work is saved, and no half file is left",
    ExitCode.TERMINATED: "stopped by SIGTERM, as by Ctrl-C",
}


def exit_codes() -> str:
    """The table of exit codes."""
    rows = [(str(code.value), meaning) for code, meaning in EXIT_CODES.items()]
    return markdown(("code", "meaning"), rows)


def commands() -> str:
    """One section for each command."""
    # Some versions of Typer carry their own copy of click, so its classes are not imported.
    group: Any = typer.main.get_command(app)
    return "\n\n".join(_section(name, command) for name, command in group.commands.items())


def _section(name: str, command: Any) -> str:
    parts = [f"## utkage {name}", " ".join((command.help or "").split())]
    if command.epilog:
        parts.append(command.epilog)
    options = [_row(option) for option in command.params if "--help" not in option.opts]
    return "\n\n".join([*parts, markdown(("option", "meaning", "default"), options)])


def _row(option: Any) -> tuple[str, str, str]:
    names = [*option.opts, *option.secondary_opts]
    if option.param_type_name == "argument":
        names = [(option.metavar or option.name or "").upper()]
    meaning = str(getattr(option, "help", "") or "")
    if option.param_type_name == "option" and "|" in (option.metavar or ""):
        meaning += f" Values: {option.metavar.replace('|', ', ')}."
    return f"`{'`, `'.join(names)}`", meaning, _default(option)


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if option.default is None or option.required or callable(option.default):
        return ""
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    return f"`{option.default}`"


def settings_table(kind: type[DataclassInstance]) -> str:
    """All settings of a dataclass, with the docstrings of its fields."""
    docs = field_docs(kind)
    rows = []
    for name, value in to_table(kind()).items():
        default = toml_lines({name: value}).removeprefix(f"{name} = ").strip()
        meaning = docs.get(name, "").replace("``", "`")
        rows.append((f"`{name}`", f"`{default}`" if default else "", meaning))
    return markdown(("setting", "default", "meaning"), rows)


def example_output() -> str:
    """Run ``utkage predict`` on the examples, keep one annotated picture, and return the output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "examples", folder / "examples")
        arguments = ["predict", "examples/family.jpg"]
        options = ["--weights", "shipped", "--save-images", "out", "--quiet"]
        output = _run("utkage", *arguments, *options, folder=folder, columns=104)
        shutil.copyfile(next((folder / "out").glob("*family*.jpg")), PICTURE)
    return f"```console\n$ utkage {' '.join(arguments)}\n{output}\n```"


def example_scores() -> str:
    """Make the demo set, prepare and evaluate it, and return what the last command prints."""
    make = ("tools.examples", "demo-set", "chips", "--count", "240")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(*make, folder=folder)
        _run("utkage", "prepare", "chips", folder=folder)
        arguments = ("evaluate", "--weights", "shipped", "--plot-cm")
        output = _run("utkage", *arguments, folder=folder, columns=80)
    commands = [
        f"python -m {' '.join(make)}",
        "utkage prepare chips",
        f"utkage {' '.join(arguments)}",
    ]
    shown = "\n".join(f"$ {command}" for command in commands)
    mark = "<!-- not run: make docs runs these commands -->"
    return f"{mark}\n```console\n{shown}\n{output}\n```"


def _run(module: str, *arguments: str, folder: Path, columns: int = 80) -> str:
    """What a program prints on stdout in a folder, on a terminal of so many columns."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={
            **os.environ,
            "COLUMNS": str(columns),
            "NO_COLOR": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip("\n")
