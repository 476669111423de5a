"""The window of videos: on a virtual display where there is one, and what ends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tools.examples.clip import write_clip
from utkage.cli.live_window import live_window
from utkage.images.decode import load_image

FRAMES = 2000
ARGUMENTS = ("predict", "clip.mp4", "--show", "--jsonl", "--weights", "shipped")


@dataclass(frozen=True)
class Shown:
    """As much of a shown frame as the window needs."""

    name: str = "camera0"
    picture: Any = None


class FakeWindows:
    """Records what would be shown."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.visible, self.key, self.sizes, self.shown = 1.0, -1, list[tuple[int, int]](), 0
        monkeypatch.setattr(cv2, "namedWindow", lambda name, flags: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda name, *size: self.sizes.append(size))
        monkeypatch.setattr(cv2, "getWindowProperty", lambda name, what: self.visible)
        monkeypatch.setattr(cv2, "imshow", self.show)
        monkeypatch.setattr(cv2, "waitKey", lambda wait: self.key)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
        monkeypatch.setenv("DISPLAY", ":0")

    def show(self, name: str, picture: Any) -> None:
        self.shown += 1


@pytest.mark.parametrize(
    ("shape", "size"),
    [((480, 640, 3), (640, 480)), ((2160, 3840, 3), (1280, 720)), ((1920, 1080, 3), (405, 720))],
)
def test_it_fits_on_a_display(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    windows = FakeWindows(monkeypatch)
    with live_window([0], None) as draw:  # type: ignore[arg-type]
        assert draw is not None
        for _ in range(3):
            assert draw(Shown(picture=np.zeros(shape, np.uint8)))  # type: ignore[arg-type]
    assert windows.sizes == [size]
    assert windows.shown == 3


@pytest.mark.parametrize("end", ["q", "escape", "closed"])
def test_what_ends_it(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    windows = FakeWindows(monkeypatch)
    frame = Shown(picture=np.zeros((48, 64, 3), np.uint8))
    with live_window(["clip.mp4"], True) as draw:
        assert draw is not None
        assert draw(frame)  # type: ignore[arg-type]
        windows.key = {"q": ord("q"), "escape": 27}.get(end, -1)
        windows.visible = 0.0 if end == "closed" else 1.0
        assert not draw(frame)  # type: ignore[arg-type]


def test_files_open_none_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    with live_window(["clip.mp4"], None) as draw:
        assert draw is None


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "900x700x24", "-nolisten", "tcp"]
    with (tmp_path / "xvfb.log").open("w") as log:
        server = subprocess.Popen(command, pass_fds=[writer], stderr=log)
    os.close(writer)
    with os.fdopen(reader) as output:
        yield f":{output.readline().strip()}"
    server.terminate()
    server.wait(10)


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool"
)
def test_a_key_in_the_real_window_ends_it(display: str, examples: Path, tmp_path: Path) -> None:
    still = load_image(examples / "couple.jpg")
    write_clip(tmp_path / "clip.mp4", still, FRAMES, size=160)
    environment = {**os.environ, "DISPLAY": display}
    process = subprocess.Popen(
        [sys.executable, "-m", "utkage", *ARGUMENTS],
        cwd=tmp_path,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    find = ["xdotool", "search", "--name", "clip.mp4"]
    while not (found := subprocess.run(find, env=environment, capture_output=True).stdout):
        assert time.monotonic() < deadline, "no window came"
        assert process.poll() is None, "it ended before a window came"
        time.sleep(0.2)
    window = found.split()[-1].decode()
    press = ["xdotool", "windowfocus", window, "key", "--window", window, "q"]
    subprocess.run(press, env=environment, check=True, capture_output=True)
    rows, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    assert 0 < json.loads(rows.splitlines()[0])["frames"] < FRAMES
    assert "QFontDatabase" not in messages
