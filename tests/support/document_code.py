"""The code in documents and notebooks: which of it runs, and how.

A block runs unless an HTML comment stands directly above it: ``<!-- not run: REASON -->``, or
``<!-- run by tests/FILE.py -->`` if another test runs it.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main
from typer.testing import CliRunner

from utkage.cli.app import app

SHELL = ("sh", "bash", "console")
PYTHON = "python"
CODE = (*SHELL, PYTHON, "js")
# Fences of these are data or output; one without a language could hide code.
OTHERS = ("text", "csv", "toml", "yaml")
# Besides utkage itself: what has no effect outside of the working folder.
PROGRAMS = ("cat",)
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>(?:not run|run by)[^\n]*?) -->\n)?"
    r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_INLINE = re.compile(r"(?<!`)`(utkage\s[^`]+)`(?!`)")


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """A fenced block of a page.

    Attributes:
        place: The page and the line of the fence, for messages.
        mark: The comment above the fence that says why the block does not run; "" if it runs.
    """

    place: str
    language: str
    text: str
    mark: str

    def commands(self) -> Iterator[list[str]]:
        """Each command of the shell with its arguments; of a ``console`` without the output."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        for line in lines:
            if command := shlex.split(line, comments=True):
                yield command


def blocks_of(page: Path) -> list[CodeBlock]:
    """All fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    found = [
        CodeBlock(
            place=f"{page.name}:{text.count(chr(10), 0, match.start('language')) + 1}",
            language=match["language"],
            text=match["text"],
            mark=match["mark"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]
    assert 2 * len(found) == len(re.findall(r"^\s*```", text, re.MULTILINE)), page
    return found


def notebook_cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of code in a notebook, each with its text as ``source``."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        {**cell, "source": "".join(cell["source"])} for cell in cells if cell["cell_type"] == "code"
    ]


def run_cell(source: str, names: dict[str, object]) -> object:
    """Run a cell as a notebook does; the value of its last line if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(ast.unparse(last), names)


def inline_commands(page: Path) -> list[list[str]]:
    """Each ``utkage ...`` in the running text with its arguments, without redirections."""
    prose = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [
        shlex.split(" ".join(found.split()).partition(" > ")[0]) for found in _INLINE.findall(prose)
    ]


def utkage_arguments(command: list[str]) -> list[str]:
    """What a command of the shell passes to utkage, also through torchrun; [] if it does not."""
    starts = [
        index + 1
        for index, word in enumerate(command[:-1])
        if word == "utkage" and re.match(r"[a-z-]", command[index + 1])
    ]
    return command[starts[0] :] if starts else []


def check_arguments(arguments: list[str]) -> None:
    """Parse a command line of utkage without running it.

    Raises:
        Exception: there is no such command or option, or an option does not take this value.
    """
    # Some versions of Typer carry their own copy of click, so its classes are not imported.
    group: Any = typer.main.get_command(app)
    if arguments[0] in group.commands:
        group.commands[arguments[0]].make_context(arguments[0], arguments[1:])
    else:
        names = {name for option in group.params for name in option.opts}
        known = names | set(group.context_settings["help_option_names"])
        assert arguments[0] in known, f"there is no command or option {arguments[0]}"


def run_block(block: CodeBlock, names: dict[str, object]) -> None:
    """Run a block in the working folder; ``names`` are those of earlier Python of the page."""
    if block.language != PYTHON:
        for command in block.commands():
            _run_command(block, command)
    elif "__main__" in block.text:
        script = Path("script.py")
        script.write_text(block.text, encoding="utf-8")
        subprocess.run([sys.executable, script], check=True)
    else:
        exec(compile(block.text, block.place, "exec"), names)


def _run_command(block: CodeBlock, command: list[str]) -> None:
    if command[0] == "utkage":
        done = CliRunner().invoke(app, command[1:])
        assert done.exit_code == 0, f"{block.place}: {command}\n{done.output}"
        return
    assert command[0] in PROGRAMS, f"{block.place}: mark this block as not run: {command}"
    # By a shell, for patterns and redirections.
    subprocess.run(" ".join(command), shell=True, check=True)
