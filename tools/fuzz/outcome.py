"""Running one command, and judging what it did."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from utkage.core.errors import ExitCode

# Characters of an output that are kept.
_SHOWN = 2000
# How a failed row reports an error that utkage does not raise itself.
_UNEXPECTED = ("error: unexpected ", "Error: ", "Exception: ")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a trial did.

    Attributes:
        command: The command line.
        mutation: What was changed in its input.
        problem: What must not happen: ``"traceback"``, ``"unexpected"``, ``"exit code"``,
            ``"several errors"``, ``"not JSON"``, ``"warning"``, ``"hang"`` or ``"crash"``; empty if
            none of these happened.
        exit_code: Exit code; None if the process was ended.
        output: What the command printed, and its traceback if there is one.
    """

    command: Sequence[str]
    mutation: str
    problem: str
    exit_code: int | None = None
    output: str = ""

    def __str__(self) -> str:
        line = " ".join(self.command)
        lines = [f"{self.problem or 'ok'}: utkage {line}", f"  mutation: {self.mutation}"]
        lines += [f"  {text}" for text in self.output.strip().splitlines()[-60:]]
        return "\n".join(lines)


def run_command(arguments: Sequence[object], mutation: str) -> Outcome:
    """Run a command of utkage in this process."""
    from typer.testing import CliRunner

    from utkage.cli.app import app

    command = [str(argument) for argument in arguments]
    result = CliRunner().invoke(app, command)
    error = result.exception
    unhandled = error is not None and not isinstance(error, SystemExit)
    problem = "traceback" if unhandled else _problem(result.exit_code, result.stdout, result.stderr)
    output = f"{result.stdout[:_SHOWN]}\n{result.stderr[:_SHOWN]}"
    if problem in ("traceback", "unexpected") and error is not None:
        output += _traceback(error)
    return Outcome(
        command=command,
        mutation=mutation,
        problem=problem,
        exit_code=result.exit_code,
        output=output,
    )


def _traceback(error: BaseException) -> str:
    """The last frames of the error before it became an exit code."""
    while isinstance(error, (SystemExit, typer.Exit)):
        before = error.__cause__ or error.__context__
        if before is None:
            break
        error = before
    return "".join(traceback.format_exception(error, limit=-5, chain=False))


def _problem(exit_code: int, stdout: str, stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    reasons = [row.get("reason") or "" for row in _rows(stdout)]
    if "Traceback (most recent call last)" in stdout + stderr:
        return "traceback"
    if any(line.startswith(_UNEXPECTED[0]) for line in errors):
        return "unexpected"
    if any(name in reason.partition(" ")[0] + " " for reason in reasons for name in _UNEXPECTED):
        return "unexpected"
    if exit_code not in set(ExitCode):
        return "exit code"
    if len(errors) > 1:
        return "several errors"
    if "Warning: " in stderr:
        return "warning"
    return "" if _is_strict(stdout) else "not JSON"


def _rows(stdout: str) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]
    except ValueError:
        return []
    return [row for row in rows if isinstance(row, dict)]


def _is_strict(stdout: str) -> bool:
    """Whether all JSON on stdout is free of NaN and infinity; other text is not judged."""
    text = stdout.strip()
    if not text.startswith(("{", "[")):
        return True
    for document in [text] if _parses(text) else text.splitlines():
        try:
            json.loads(document, parse_constant=_refuse)
        except _NotFiniteError:
            return False
        except ValueError:
            # A table may begin with a bracket.
            continue
    return True


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class _NotFiniteError(Exception):
    """JSON holds NaN or infinity."""


def _refuse(name: str) -> float:
    raise _NotFiniteError(name)
