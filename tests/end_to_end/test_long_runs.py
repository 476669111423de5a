"""Long runs of ``predict``: constant memory, bad files, interruption, going on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from utkage.cli.app import app
from utkage.core.text import counted

MEASURED = """
import sys
from pathlib import Path
import utkage
def resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 1e6
request = utkage.PredictRequest(inputs=(sys.argv[1],), weights='shipped', flip=False)
curve = []
for number, row in enumerate(utkage.predict(request)):
    if number % 100 == 0:
        curve.append(resident())
print(*curve)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(
        app, ["predict", *map(str, arguments), "-w", "shipped"]
    )


def _copies(examples: Path, folder: Path, count: int) -> Path:
    folder.mkdir()
    with Image.open(examples / "portrait.jpg") as opened:
        face = opened.convert("RGB")
    for number in range(count):
        # Sizes differ, as they do in real folders: allocators behave worse then.
        side = 56 + number % 40
        target = folder / f"{number}.jpg"
        if number < 40:
            face.resize((side, side)).save(target)
        else:
            os.link(folder / f"{number % 40}.jpg", target)
    return folder


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as opened:
        return opened.size


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_memory_is_flat_over_many_pictures(examples: Path, tmp_path: Path) -> None:
    folder = _copies(examples, tmp_path / "many", 1500)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(folder)], capture_output=True, text=True, check=True
    )
    curve = [float(word) for word in done.stdout.split()]
    assert len(curve) == 15
    # Less than 15 kB a picture; a chip has 110 kB.
    assert max(curve[5:]) - curve[5] < 15, curve


def test_bad_files_are_rows_and_the_run_goes_on(
    run: Callable[..., Any], examples: Path, tmp_path: Path
) -> None:
    folder = _copies(examples, tmp_path / "in", 3)
    (folder / "0a.jpg").write_bytes(b"")
    (folder / "1a.jpg").write_bytes((folder / "1.jpg").read_bytes()[:300])
    (folder / "2a.png").write_text("no picture")
    (folder / "3-wall.png").symlink_to(folder / "nowhere")
    result = run("in", "--jsonl")
    assert result.exit_code == 3, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["status"] for row in rows].count("failed") == 4
    assert [row["status"] for row in rows].count("ok") == 3
    assert all(row["file"] in row["reason"] for row in rows if row["status"] == "failed")
    assert "Traceback" not in result.output


def test_whatever_a_picture_does_to_the_detector(
    run: Callable[..., Any], examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from utkage.faces.retinaface import RetinaFaceDetector

    def fail(self: object, rgb: object) -> None:
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(RetinaFaceDetector, "search", fail)
    result = run(examples / "portrait.jpg", "--jsonl")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["reason"].endswith("RuntimeError: out of memory")


def test_interrupted_and_gone_on_with(examples: Path, tmp_path: Path) -> None:
    count = 300
    _copies(examples, tmp_path / "in", count)
    out = tmp_path / "rows.jsonl"
    arguments = [
        sys.executable,
        "-m",
        "utkage",
        "predict",
        "in",
        "--out",
        str(out),
        "-w",
        "shipped",
    ]
    process = subprocess.Popen(
        arguments,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # Shells let what they start in the background ignore Ctrl-C, tests among it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (out.exists() and out.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130, message
    content = out.read_text()
    assert content.endswith("\n")
    before = [json.loads(line)["file"] for line in content.splitlines()]
    assert 0 < len(before) < count
    done = subprocess.run(
        [*arguments, "--resume"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert counted(len(before), "file") in done.stderr
    after = [json.loads(line)["file"] for line in out.read_text().splitlines()]
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == count


def test_pictures_and_lists_on_stdin(examples: Path, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "utkage", "predict", "-", "--jsonl", "-w", "shipped", "-q"]
    picture = (examples / "portrait.jpg").read_bytes()
    piped = subprocess.run(arguments, input=picture, capture_output=True, check=True).stdout
    listed = subprocess.run(
        arguments, input=os.fsencode(examples / "portrait.jpg"), capture_output=True, check=True
    ).stdout
    first, second = json.loads(piped), json.loads(listed)
    assert first["file"] == "-"
    assert {**first, "file": second["file"]} == second


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--csv"),
        ("--resume",),
        ("--out", "rows.doc"),
        ("--crop", "tight"),
        ("--detector", "dlib"),
        ("--min-face", "-3"),
        ("--threshold", "0"),
        ("--uncertain-below", "0.3"),
    ],
)
def test_what_cannot_work_is_refused(
    run: Callable[..., Any], examples: Path, arguments: tuple[str, ...]
) -> None:
    result = run(examples / "portrait.jpg", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert arguments[0] in result.stderr or arguments[0].removeprefix("--") in result.stderr


def test_crops_and_a_contact_sheet(run: Callable[..., Any], examples: Path, tmp_path: Path) -> None:
    options = ("--save-crops", "crops", "--contact-sheet", "sheet.jpg", "--jsonl")
    result = run(examples / "couple.jpg", *options)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    crops = sorted((tmp_path / "crops").iterdir())
    assert [_size(crop) for crop in crops] == [(192, 192)] * 2
    assert min(_size(tmp_path / "sheet.jpg")) > 100
    again = [
        json.loads(line) for line in run(*crops, "--crop", "none", "--jsonl").stdout.splitlines()
    ]
    assert [row["age"] for row in again] == [row["age"] for row in rows]


def test_cropping_by_box_is_near_to_aligning(run: Callable[..., Any], examples: Path) -> None:
    aligned, boxed = (
        json.loads(run(examples / "portrait.jpg", "--crop", crop, "--jsonl").stdout)
        for crop in ("auto", "box")
    )
    assert boxed["p_female"] != aligned["p_female"]
    assert boxed["age"] == pytest.approx(aligned["age"], abs=6)
