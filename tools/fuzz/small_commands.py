"""Small commands that write many kinds of output, and the inputs that they read."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tools.fuzz.samples import PORTRAIT, SIZE, STORE, write_store
from tools.warm_process import Running
from utkage.core.errors import ExitCode
from utkage.exporting.export_web import RUNTIME, RUNTIME_PACKAGE

OUT = "out"
INPUTS = "inputs"
# Seconds of computation after which a command is a hang.
LONGEST = 120.0
_PHOTOS = 3
_PHOTO_SIZE = (300, 240)


@dataclass(frozen=True, kw_only=True)
class SmallCommand:
    """A command that writes into the folder ``out``.

    Attributes:
        words: What is typed after ``utkage``.
        has_same_bytes: Whether the bytes of its output depend on its inputs alone.
        is_alone: Whether files of others are refused in its folder.
        is_new: Whether an earlier output is refused.
        serves: Whether it runs until a signal, and writes nothing.
    """

    words: tuple[str, ...]
    has_same_bytes: bool = False
    is_alone: bool = False
    is_new: bool = False
    serves: bool = False


_PREDICT = ("predict", f"{INPUTS}/photos", "--weights", "shipped", "--no-flip", "--quiet")
_TRAIN = (
    *("train", "--data", f"{INPUTS}/{STORE}", "--sizes", str(SIZE), "--batch-size", "8"),
    *("--epochs", "1", "--device", "cpu", "--backbone", "mobilenet_v3_small"),
    *("--init", "scratch", "--quiet"),
)
_FROM_RUN = ("--weights", f"{INPUTS}/run", "--quiet")
_FACES = (*_FROM_RUN, "--device", "cpu", "--no-flip", "--allow-seen")
_EVALUATE = (
    *("evaluate", "--data", f"{INPUTS}/{STORE}", *_FACES, "--allow-suspicious"),
    *("--resamples", "100"),
)
COMMANDS: dict[str, SmallCommand] = {
    "rows as CSV": SmallCommand(words=(*_PREDICT, "--out", f"{OUT}/rows.csv"), has_same_bytes=True),
    "JSON lines": SmallCommand(
        words=(*_PREDICT, "--out", f"{OUT}/rows.jsonl", "--resume"), has_same_bytes=True
    ),
    "rows as Parquet": SmallCommand(
        words=(*_PREDICT, "--out", f"{OUT}/rows.parquet"), has_same_bytes=True
    ),
    "copies": SmallCommand(words=(*_PREDICT, "--save-images", OUT), has_same_bytes=True),
    "evaluation": SmallCommand(words=(*_EVALUATE, "--out", OUT)),
    "report": SmallCommand(words=(*_EVALUATE, "--report", "--out", OUT)),
    "label audit": SmallCommand(
        words=("audit-labels", f"{INPUTS}/{STORE}", *_FACES, "--worst", "5", "--out", OUT)
    ),
    "export": SmallCommand(
        words=("export", *_FROM_RUN, "--format", "torchscript", "--out", f"{OUT}/a.torchscript")
    ),
    "hub folder": SmallCommand(
        words=("export", *_FROM_RUN, "--format", "hub", "--out", f"{OUT}/hub"), is_new=True
    ),
    "web folder": SmallCommand(
        words=(
            *("export", *_FROM_RUN, "--format", "web", "--out", f"{OUT}/web"),
            *("--web-modules", f"{INPUTS}/node_modules"),
        ),
        is_new=True,
    ),
    "manifest": SmallCommand(
        words=("manifest", f"{INPUTS}/photos", "--out", f"{OUT}/pictures.jsonl", "--quiet"),
        has_same_bytes=True,
    ),
    "prepared set": SmallCommand(
        words=(
            *("prepare", f"{INPUTS}/chips", "--chip-size", str(SIZE), "--aligned", "yes"),
            *("--quiet", "--out", OUT),
        ),
        is_alone=True,
    ),
    "run": SmallCommand(words=(*_TRAIN, "--run", f"./{OUT}"), is_alone=True),
    "server": SmallCommand(words=("serve", "--port", "0", "--weights", "shipped"), serves=True),
}
"""Commands by the name of what they write."""


def write_inputs(folder: Path) -> None:
    """Photographs, chips, a prepared set, a run and what a web page needs, below ``inputs``.

    Raises:
        RuntimeError: the training of the run failed.
    """
    inputs = folder / INPUTS
    (inputs / "photos").mkdir(parents=True)
    with Image.open(PORTRAIT) as portrait:
        for number in range(_PHOTOS):
            portrait.convert("RGB").resize(_PHOTO_SIZE).save(inputs / "photos" / f"{number}.jpg")
    for name in RUNTIME:
        script = inputs / "node_modules" / RUNTIME_PACKAGE / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("//")
    write_store(inputs)
    require_done((*_TRAIN, "--run", f"{INPUTS}/run"), folder)


def require_done(words: Sequence[str], folder: Path) -> None:
    """Run a command that must succeed.

    Raises:
        RuntimeError: it did not.
    """
    done = Running(words, folder).finish(6 * LONGEST)
    if done.returncode != ExitCode.DONE:
        raise RuntimeError(f"{' '.join(words)}: {done.returncode} {text_of(done)}")


def text_of(done: subprocess.CompletedProcess[str]) -> str:
    """Everything that a command printed."""
    return f"{done.stdout}\n{done.stderr}"
