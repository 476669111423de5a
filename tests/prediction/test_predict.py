"""``utkage.predict`` as a function: interruptions, resuming, and what it reports."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import utkage
from utkage.core.errors import ConfigError
from utkage.core.reporter import SilentReporter
from utkage.images.decode import load_image
from utkage.models.locate import shipped_weights
from utkage.prediction import predictor as predictor_module
from utkage.prediction.row_files import rows_file

NAMES = ("portrait.jpg", "couple.jpg", "family.jpg")


class Messages(SilentReporter):
    """Keeps messages, and interrupts after a number of photographs."""

    def __init__(self, interrupt_after: int = 0) -> None:
        self.lines: list[str] = []
        self.left = interrupt_after

    def info(self, message: str) -> None:
        self.lines.append(message)

    def progress(self, label: str, total: int | None) -> Any:
        return nullcontext(self)

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def request_for(examples: Path, **settings: Any) -> utkage.PredictRequest:
    inputs = tuple(str(examples / name) for name in NAMES)
    return utkage.PredictRequest(inputs=inputs, weights="shipped", flip=False, **settings)


def test_ctrl_c_finishes_the_contact_sheet(examples: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    rows = utkage.predict(request_for(examples, contact_sheet=sheet), Messages(interrupt_after=1))
    assert Path(next(rows).file).name == "portrait.jpg"
    with pytest.raises(KeyboardInterrupt):
        next(rows)
    alone = tmp_path / "alone.png"
    request = request_for(examples, contact_sheet=alone)
    list(utkage.predict(replace(request, inputs=request.inputs[:1])))
    assert np.array_equal(load_image(sheet), load_image(alone))


def test_closing_the_rows_finishes_the_contact_sheet(examples: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    rows = utkage.predict(request_for(examples, contact_sheet=sheet))
    next(rows)
    assert not sheet.exists()
    rows.close()
    assert sheet.exists()


def test_resuming_a_file_that_is_missing_or_empty_says_so(examples: Path, tmp_path: Path) -> None:
    out, messages = tmp_path / "rows.jsonl", Messages()
    utkage_rows = utkage.predict(request_for(examples, resume=out), messages)
    next(utkage_rows)
    utkage_rows.close()
    assert f"{out}: does not exist yet; starting it" in messages.lines
    out.touch()
    utkage_rows = utkage.predict(request_for(examples, resume=out), messages)
    next(utkage_rows)
    utkage_rows.close()
    assert f"{out}: has no finished file yet; starting with the first" in messages.lines


def test_resuming_skips_what_is_complete(examples: Path, tmp_path: Path) -> None:
    out, messages = tmp_path / "rows.jsonl", Messages()
    whole = list(utkage.predict(request_for(examples)))
    with rows_file(out) as write:
        for row in whole[:3]:
            write(row)
    rest = list(utkage.predict(request_for(examples, resume=out), messages))
    assert rest == whole[3:]
    assert f"{out}: has predictions for 2 files; resuming" in messages.lines


def test_the_reported_weights_are_the_loaded_ones(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and device are resolved once, so that a new run cannot come in between."""
    calls: list[str] = []
    for name in ("resolve_weights", "resolve_device"):
        original = getattr(predictor_module, name)

        def counted(choice: Any, name: str = name, original: Any = original) -> Any:
            calls.append(name)
            return original(choice)

        monkeypatch.setattr(predictor_module, name, counted)
    messages = Messages()
    next(utkage.predict(request_for(examples), messages))
    assert calls == ["resolve_weights", "resolve_device"]
    assert messages.lines == [f"weights {shipped_weights()} (shipped with utkage), engine onnx"]


def test_a_folder_of_everything(examples: Path, tmp_path: Path) -> None:
    """One line says what was skipped, and no odd file ends the run."""
    shutil.copy(examples / "portrait.jpg", tmp_path / "a.jfif")
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
    messages = Messages()
    request = utkage.PredictRequest(
        inputs=(str(tmp_path), str(tmp_path / "clip.mp4")), weights="shipped", flip=False
    )
    rows = {Path(row.file).name: row for row in utkage.predict(request, messages)}
    assert rows.pop("a.jfif").status == "ok"
    assert {row.status for row in rows.values()} == {"failed"}
    assert "is a video, not a picture; use predict_inputs" in str(rows["clip.mp4"].reason)
    (line,) = [line for line in messages.lines if "skipped" in line]
    assert "1 other file (notes.txt)" in line


def test_requests_take_paths_and_texts_alike(tmp_path: Path) -> None:
    out = tmp_path / "out"
    names: dict[str, Any] = {
        name: str(out) for name in ("save_images", "save_crops", "contact_sheet", "resume")
    }
    request: Any = utkage.InputsRequest(
        inputs=(tmp_path, "a.jpg"),
        resume_videos=str(out),
        **names,  # type: ignore[arg-type]
    )
    assert request.inputs == (str(tmp_path), "a.jpg")
    videos: Any = utkage.VideoRequest(videos=(tmp_path / "a.mp4", 0), **names)  # type: ignore[arg-type]
    assert videos.videos == (str(tmp_path / "a.mp4"), 0)
    for name in names:
        assert getattr(request, name) == getattr(videos, name) == out
    assert request.resume_videos == out
    with pytest.raises(ConfigError, match=r"`shard` '0/8': use Shard\.parse"):
        utkage.PredictRequest(inputs=("a.jpg",), shard="0/8")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"videos=\('a\.mp4',\)"):
        utkage.VideoRequest(videos="a.mp4")  # type: ignore[arg-type]
