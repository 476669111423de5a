"""The library's field names as the options of the command that is running.

Messages of the library name fields and their values in backticks: ``"`batch_size` 1: use 2 or
more"``, ``"pass `allow_seen=True`"``. Users of the command line know these as ``--batch-size``
and ``--allow-seen``.
"""

from __future__ import annotations

import re

from typer.core import TyperOption

try:
    # Recent versions of Typer run on a copy of click of their own.
    from typer.main import get_current_context  # type: ignore[attr-defined]
except ImportError:
    from click import get_current_context  # type: ignore[no-redef]

FIELD = re.compile(r"`([a-z_][a-z0-9_.]*)(?:=([^`]*))?`")


def as_options(message: str) -> str:
    """Replace each field in backticks by the option of the running command that sets it.

    ``field=value`` becomes the option with its value; a flag stands alone, or as ``--no-...``. A
    field without an option of its own becomes ``--set field=value`` in commands that have
    ``--set``. Any other field, and every field outside a command, loses only its backticks.
    """
    if "`" not in message:
        return message
    context = get_current_context(silent=True)
    parameters = [] if context is None else context.command.params
    options = {
        parameter.name: parameter
        for parameter in parameters
        if isinstance(parameter, TyperOption) and parameter.name is not None
    }
    return FIELD.sub(lambda match: _option(match[1], match[2], options), message)


def _option(field: str, value: str | None, options: dict[str, TyperOption]) -> str:
    # Some commands call the parameter of --json "json_output".
    option = options.get(field) or options.get(f"{field}_output")
    if option is None:
        if value is None:
            return field
        return f"--set {field}={value}" if "assignments" in options else f"{field}={value}"
    # "--out" rather than "-o", and "--run" rather than its other name "--run-folder".
    name = next((name for name in option.opts if name.startswith("--")), option.opts[0])
    if value is None or value == "True":
        return name
    if value == "False" and option.secondary_opts:
        return max(option.secondary_opts, key=len)
    return f"{name} {value}"
