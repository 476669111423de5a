"""A small working folder, and commands that write every kind of output into it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from cards import card_of

from tools.examples.demo_set import make_demo_set
from tools.warm_process import run_utkage
from utkage.exporting.export_web import RUNTIME, RUNTIME_PACKAGE
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, save_weights

# That of the shipped weights, which is exported in half the time of others.
BACKBONE = "mobilenet_v1"


@dataclass(frozen=True)
class Case:
    """A command, and the folder that it writes into."""

    arguments: Sequence[str]
    folder: str


_PREDICT = ("predict", "photos", "--weights", "shipped", "--no-flip", "--quiet")
_EVALUATE = ("evaluate", "--device", "cpu", "--weights", "mine.safetensors", "--no-flip")
_SMALL_TRAINING = (
    *("train", "--device", "cpu", "--batch-size", "16", "--epochs", "1", "--sizes", "32"),
    *("--backbone", "mobilenet_v3_small", "--init", "scratch"),
)
CASES = {
    "rows as CSV": Case((*_PREDICT, "-o", "out/rows.csv"), "out"),
    "rows as JSON": Case((*_PREDICT, "-o", "out/rows.json"), "out"),
    "rows as Parquet": Case((*_PREDICT, "-o", "out/rows.parquet"), "out"),
    "JSON lines": Case((*_PREDICT, "-o", "out/rows.jsonl", "--resume"), "out"),
    "contact sheet": Case((*_PREDICT, "--contact-sheet", "out/sheet.jpg"), "out"),
    "copies": Case((*_PREDICT, "--save-images", "out"), "out"),
    "crops": Case((*_PREDICT, "--save-crops", "out"), "out"),
    "report": Case(
        (
            *(*_EVALUATE, "--split", "all", "--report", "--resamples", "100", "-o", "out"),
            "--allow-suspicious",
        ),
        "out",
    ),
    "calibration": Case(
        (*_EVALUATE, "--split", "train", "--calibrate", "--out-weights", "out/mine.safetensors"),
        "out",
    ),
    "export": Case(
        (
            "export",
            "--weights",
            "mine.safetensors",
            "--format",
            "torchscript",
            "-o",
            "out/a.torchscript",
        ),
        "out",
    ),
    "prepared set": Case(("prepare", "faces", "--chip-size", "48", "--out", "out"), "out"),
    "run": Case((*_SMALL_TRAINING, "--run", "./out"), "out"),
}
ONNX = ("export", "--weights", "mine.safetensors", "-o", "out/a.onnx")
INT8 = (*ONNX, "--precision", "int8")
WEB = ("export", "--weights", "mine.safetensors", "--format", "web", "-o", "out/web")


def make_working_folder(folder: Path, examples: Path, network: MultiTaskNet) -> Path:
    """Photographs, labelled chips, a prepared set, weights, and what a web page needs.

    ``network`` has the ``BACKBONE``; its weights are written to ``mine.safetensors``.
    """
    photos = folder / "photos"
    photos.mkdir()
    for name in ("portrait.jpg", "couple.jpg"):
        shutil.copy(examples / name, photos / name)
    make_demo_set(examples / "faces", folder / "faces", 160, 0)
    arguments = ("--chip-size", "48", "--val", "0.15", "--test", "0.1", "--near-distance", "-1")
    run_utkage(folder, "prepare", "faces", *arguments).check_returncode()
    with torch.no_grad():
        # Ages with one clear median, which every runtime finds.
        network.age.weight.mul_(0.02)
        network.age.bias.copy_(-(((torch.arange(len(network.age.bias)) - 40) / 8) ** 2))
    card = card_of(BACKBONE)
    none = torch.empty(0, dtype=torch.int32)
    save_weights(folder / "mine.safetensors", Weights(card, network.state_dict(), none))
    for name in RUNTIME:
        path = folder / "node_modules" / RUNTIME_PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("//")
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
