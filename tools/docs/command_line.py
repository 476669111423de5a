"""The options of every command and the exit codes, for docs/cli.md, from the application itself."""

from __future__ import annotations

from typing import Any

import typer.main

from tools.documents import markdown
from utkage.cli.app import app
from utkage.core.errors import ExitCode

EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed; one line on stderr says what, which file, and what to do",
    ExitCode.USAGE: "wrong usage: an unknown option, or missing weights, data or device",
    ExitCode.SOME_INPUTS_FAILED: "`predict` went through all inputs, but could not read some",
    ExitCode.GATE_CLOSED: "`export`: the file and the weights disagree; no file was written",
    ExitCode.INTERRUPTED: "interrupted from the keyboard",
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
    return f"`{'`, `'.join(names)}`", meaning, _default(option)


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if option.default is None or option.required or callable(option.default):
        return ""
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    return f"`{option.default}`"
