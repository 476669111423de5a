"""Small cases from public bug reports: what utkage does with each of them, before and now.

The folder of cases holds one folder for each, with a README of lines such as ``KIND: ...``, and
the files that the commands below need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import ROOT, Block, markdown

_SECONDS = 900
_LONGEST = 110
_MANY_LINES = 300
_ERROR = re.compile(r"^.*(error: |Error|failed|no_face|DIFFER).*$", re.MULTILINE)
_READABLE = re.compile(r"^.*readable.*$", re.MULTILINE)
_NAME = "export_name"


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code; 124 if it did not end."""

    code: int
    text: str

    def count(self, pattern: str) -> int:
        """How often a pattern occurs in the output."""
        return len(re.findall(pattern, self.text, re.MULTILINE))

    def has(self, *patterns: str) -> bool:
        """Whether each of some patterns occurs in the output."""
        return all(self.count(pattern) for pattern in patterns)

    @property
    def main_line(self) -> str:
        """The line that says what went wrong; else the last one."""
        found = _ERROR.search(self.text) or _READABLE.search(self.text)
        lines = [line for line in self.text.splitlines() if re.search(r"\w", line)] or ["nothing"]
        line = re.sub(r"[\s\x1b]+", " ", found[0] if found else lines[-1])
        line = line.replace("|", "/").strip(" ,")
        line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
        count = self.text.count("\n")
        return line if count < _MANY_LINES else f"{line} ({count} lines)"


@dataclass(frozen=True)
class Case:
    """The command of a case, run by a shell in a copy of its folder, and what is right."""

    command: str
    is_right: Callable[[Outcome], bool]


def _readable(count: int) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.code == 0 and outcome.has(rf"{count} readable")


def _rows(count: int) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.code == 0 and outcome.count(",ok,") == count


def _has_two_ages(outcome: Outcome) -> bool:
    rows = [line.split(",") for line in outcome.text.splitlines() if ",ok," in line]
    return len(rows) == 2 and float(rows[0][10]) > 50 and float(rows[1][10]) < 20


def _same_in_both(outcome: Outcome) -> bool:
    rows = [line.split(",") for line in outcome.text.splitlines() if ",ok," in line]
    ages, genders = [float(row[9]) for row in rows], {row[14] for row in rows}
    return len(rows) == 2 and abs(ages[0] - ages[1]) <= 1 and len(genders) == 1


_PREPARE = "utkage prepare . --out p"
_IMAGES = Case(_PREPARE, _readable(10))
_TABLES = ("lagenda_annotation", "metadata", "sex")
_HEADERS = " && ".join(
    [_PREPARE, *(f"utkage prepare . --labels {name}.csv --out {name}" for name in _TABLES)]
)
CASES = {
    "adience": Case(
        "utkage evaluate --data aligned --labels fold_0_data.txt --weights shipped --out e",
        lambda it: it.code == 0 and it.has("age within the labelled range", "gender accuracy"),
    ),
    "archive_in_archive": Case(
        "utkage prepare drive-download.zip --out p", lambda it: it.has(r"holds UTKFace\.tar\.gz")
    ),
    "av1": Case("utkage predict av1.mp4 --csv", lambda it: it.has("AV1", "does not decode")),
    "bytearray_tensor": Case(
        "python run.py", lambda it: it.count("'ok'") == 2 and it.has("Tensor UsageError")
    ),
    "column_names": Case(_HEADERS, lambda it: it.code == 0 and it.count("10 readable") == 4),
    "csv_cp949": Case(_PREPARE, _readable(2)),
    "cut_by_50_bytes": Case(
        "utkage predict cut.jpg --csv", lambda it: it.code == 0 and it.has(",ok,.*truncated")
    ),
    "emoji_cp1252": Case(
        "PYTHONIOENCODING=cp1252 utkage predict folder --csv > out.csv && cat out.csv", _rows(3)
    ),
    "empty_argument": Case(
        'utkage predict "" --csv', lambda it: it.code == 2 and it.has("empty", "unset variable")
    ),
    "endings": Case("utkage predict folder --csv", _rows(6)),
    "escape_in_name": Case("sh run.sh", lambda it: it.has("red") and "\x1b" not in it.text),
    "evaluate_own_predictions": Case(
        "utkage predict faces --max-faces 1 --csv > p.csv; "
        "utkage evaluate --data faces --weights p.csv --out e",
        lambda it: it.code == 0 and it.has("without a detected face .* 1 "),
    ),
    "excel_sep_line": _IMAGES,
    _NAME: Case(
        "utkage export --out model && ls && utkage predict portrait.jpg --weights model.onnx --csv",
        _rows(1),
    ),
    "fairface": Case(
        "utkage evaluate --data . --labels fairface_label_val.csv --weights shipped --out e",
        lambda it: it.code == 0 and it.has("age within the labelled range", "gender accuracy"),
    ),
    "fifo": Case("sh run.sh", lambda it: it.has(",ok,", "not a plain file", "exit 3")),
    "file_object": Case("python run.py", lambda it: it.count("^1 ok None") == 2),
    "first_frame_black": Case("utkage predict fade.gif scan.tif --csv", _rows(2)),
    "float_gender": _IMAGES,
    "kaggle_pixels": Case(
        "utkage evaluate --data age_gender.csv --weights shipped --out e",
        lambda it: it.code == 0 and it.has("MAE, years", "gender accuracy"),
    ),
    "labels_against_names": Case(
        _PREPARE, lambda it: it.code == 1 and it.has("gender", "10 of 10", "--gender-coding")
    ),
    "linked_folder": Case("sh run.sh", lambda it: it.has("t/a.jpg,ok", "t/more/b.jpg,ok")),
    "list_with_bom": Case("utkage predict - --csv < list.txt", _rows(2)),
    "long_name_save": Case(
        "sh run.sh", lambda it: it.has("exit 0", "^3$", "t/2xxx") and it.count(",ok,") == 2
    ),
    "long_strip": Case("utkage predict strip.jpg --csv", _rows(20)),
    "manifest_beside_images": Case(
        "utkage prepare images --labels labels.csv --out p", _readable(10)
    ),
    "mixed_folder": Case(
        "utkage predict folder --csv; utkage predict folder/* --csv",
        lambda it: it.count("a.jpg,ok") == 2 and it.has("b.mp4.*video", "1 video"),
    ),
    "one_label_only": Case(
        "utkage prepare . --labels gender.csv --out p-gender && "
        "utkage prepare . --labels age.csv --out p-age",
        lambda it: it.code == 0 and it.count("10 readable") == 2,
    ),
    "onnx_ir_version": Case(
        "utkage export --out m.onnx && "
        "python -c \"import onnx; print(onnx.load('m.onnx').ir_version)\"",
        lambda it: it.code == 0 and it.has("^8$"),
    ),
    "phone_3gp": Case("utkage predict phone.3gp --csv", _rows(1)),
    "pickle": Case("python run.py", lambda it: it.code == 0),
    "pil_exif": Case("python run.py", lambda it: it.count("SAME") == 2),
    "reason_flood": Case(_PREPARE, lambda it: it.has("5000") and it.text.count("\n") < 40),
    "scene_cut": Case("utkage predict cut.mp4 --csv", _has_two_ages),
    "unknown_race": _IMAGES,
    "unreadable_subfolder": Case(
        "sh run.sh", lambda it: it.has("a.jpg,ok", "lost.found", "exit 3")
    ),
    "upside_down": Case("utkage predict upside_down.jpg upright.jpg --csv", _same_in_both),
}


def measure_cases(
    folder: Annotated[Path, typer.Option(help="folder of the cases")],
    former: Annotated[Path, typer.Option(help="src folder of the version to compare with")],
) -> list[Block]:
    """Run every case with a former version and with this one."""
    rows = []
    for name, case in CASES.items():
        before, now = (_run(folder / name, case, source) for source in (former, ROOT / "src"))
        kind = _kind(folder / name)
        rows.append((f"`{name}`", kind, _shown(case, before), _shown(case, now)))
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    right = [sum(row[column].startswith("right") for row in rows) for column in (2, 3)]
    origin = (
        f"Right before: {right[0]} of {len(rows)}; now: {right[1]} of {len(rows)}. Before is the "
        "version that stood when the cases were collected; shipped weights of each version"
    )
    return [Block("inputs.md", "cases", markdown(("case", "kind", "before", "now"), rows), origin)]


def _shown(case: Case, outcome: Outcome) -> str:
    return "right" if case.is_right(outcome) else f"wrong: {outcome.main_line}"


def _kind(folder: Path) -> str:
    found = re.search(
        r"^KIND: (.*)$", (folder / "README").read_text(encoding="utf-8"), re.MULTILINE
    )
    return found[1] if found else ""


def _run(folder: Path, case: Case, source: Path) -> Outcome:
    """Run the command of a case with the utkage of a source folder, in a copy of the case."""
    with _copy(folder) as copy:
        commands = copy / "bin"
        commands.mkdir()
        for name, program in (("utkage", "-m utkage"), ("python", "")):
            (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
            (commands / name).chmod(0o755)
        place = copy / folder.name
        if folder.name == _NAME:
            shutil.copy(ROOT / "examples" / "portrait.jpg", place)
        environment = {
            **os.environ,
            "PYTHONPATH": str(source.resolve()),
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        }
        try:
            done = subprocess.run(
                case.command,
                shell=True,
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Outcome(124, f"error: not done after {_SECONDS} seconds")
        return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"))


@contextmanager
def _copy(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copytree(folder, Path(temporary) / folder.name, symlinks=True)
        yield Path(temporary)
