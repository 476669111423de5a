"""Write docs/cli.md from the application itself, or check that it is up to date.

python tools/write_cli_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer.main

from utkage.cli.app import app
from utkage.core.errors import ExitCode
from utkage.core.files import write_text

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "cli.md"

EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed; one line on stderr says what, which file, and what to do",
    ExitCode.USAGE: "wrong usage: an unknown option, weights, data or a device that are not there",
    ExitCode.SOME_INPUTS_FAILED: "`predict` went through all inputs, but some could not be read",
    ExitCode.GATE_CLOSED: "`export`: the file would not answer as the model does; none was written",
    ExitCode.INTERRUPTED: "interrupted from the keyboard",
}

DEFAULTS = """\
## Where things are found by default

| what | default |
|---|---|
| pictures for `prepare` | `Dataset/UTKFace/` in the working directory |
| the prepared set | `prepared/` |
| a new run of `train` | `runs/<date>-<time>/` |
| weights (`--weights auto`) | the best of the newest run below `runs/`, else the shipped ones |
| report of `evaluate` | `evaluation/` |

Which weights were taken is said on stderr. Results go to stdout, everything else to stderr.
"""


def render() -> str:
    """The whole page."""
    # Typer carries its own copy of click in some versions, so the objects are taken as they are.
    command: Any = typer.main.get_command(app)
    parts = [
        "# The command line",
        "Written by `tools/write_cli_docs.py` from the application; do not edit by hand.",
        DEFAULTS.strip(),
        "## Exit codes",
        "\n".join(
            ["| code | meaning |", "|---|---|"]
            + [f"| {code.value} | {words} |" for code, words in EXIT_CODES.items()]
        ),
    ]
    for name, sub in command.commands.items():
        parts.extend(_command(name, sub))
    return "\n\n".join(parts) + "\n"


def _command(name: str, command: Any) -> list[str]:
    parts = [f"## utkage {name}", " ".join((command.help or "").split())]
    if command.epilog:
        parts.append(command.epilog)
    lines = ["| option | meaning | default |", "|---|---|---|"]
    for parameter in command.params:
        if "--help" in parameter.opts:
            continue
        names = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "argument":
            names = [(parameter.metavar or parameter.name or "").upper()]
        words = str(getattr(parameter, "help", "") or "")
        lines.append(f"| `{'`, `'.join(names)}` | {words} | {_default(parameter)} |")
    return [*parts, "\n".join(lines)]


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return str(parameter.show_default)
    if parameter.default is None or parameter.required or callable(parameter.default):
        return ""
    if isinstance(parameter.default, bool):
        return "on" if parameter.default else "off"
    return f"`{parameter.default}`"


def main() -> int:
    """Write the page, or with ``--check`` fail when it is stale."""
    text = render()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is stale; run: python tools/write_cli_docs.py", file=sys.stderr)
            return 1
        return 0
    write_text(PAGE, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
