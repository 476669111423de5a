"""A clip made from a still picture with motion and noise, through the command and the library."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from rtsp_server import rtsp_server
from typer.testing import CliRunner

from tools.examples.clip import moving_frames, write_clip
from utkage import Predictor, open_video
from utkage.cli.app import app
from utkage.images.decode import load_image
from utkage.prediction.face_tracks import TrackedFrame

FRAMES = 40


@pytest.fixture(scope="module")
def clip(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, one picture."""
    path = tmp_path_factory.mktemp("clip") / "couple.mp4"
    write_clip(path, load_image(examples / "couple.jpg"), FRAMES)
    return path


def test_ages_are_four_times_calmer_than_frame_by_frame(clip: Path) -> None:
    predictor = Predictor.shipped()
    shown: dict[int, list[int]] = {}
    single: list[list[float]] = []
    frames = list(open_video(clip).frames())
    for event in predictor.watch(frames):
        if isinstance(event, TrackedFrame):
            for face in event.faces:
                shown.setdefault(face.track, []).append(face.shown_age)
    for frame in frames:
        rows = sorted(predictor.predict(frame.image), key=lambda row: row.box or ())
        single.append([row.age or 0.0 for row in rows])
    assert set(shown) == {1, 2}
    assert all(len(ages) == FRAMES for ages in shown.values())
    # Years from one frame to the next, in the mean.
    alone = np.abs(np.diff(single, axis=0)).mean()
    # From the second look on: the first one is a single look itself.
    tracked = np.mean([np.abs(np.diff(ages[10:])).mean() for ages in shown.values()])
    assert alone > 0.2
    assert alone >= 4 * tracked


def test_the_command(clip: Path, tmp_path: Path) -> None:
    arguments = ["predict", str(clip), "--weights", "shipped", "--quiet"]
    result = CliRunner().invoke(app, [*arguments, "--json", "--save-images", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert sorted(row["gender"] for row in rows) == ["female", "male"]
    assert {row["track"] for row in rows} == {1, 2}
    assert {row["frames"] for row in rows} == {FRAMES}
    assert {row["looks"] for row in rows} == {FRAMES // 5}
    (copy,) = (tmp_path / "out").iterdir()
    assert len(list(open_video(copy).frames())) == FRAMES
    out = tmp_path / "tracks.csv"
    more = ["--out", str(out), "--every", "8", "--duration", "1"]
    assert CliRunner().invoke(app, [*arguments, *more]).exit_code == 0
    table = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [line["track"] for line in table] == ["1", "2"]
    assert {line["frames"] for line in table} == {"20"}
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "seconds" in result.stdout


def test_a_stream_over_the_network_until_it_dies(examples: Path) -> None:
    still = load_image(examples / "couple.jpg")
    frames = list(moving_frames(still[:, : still.shape[1] // 16 * 16], 30, size=480))
    height, width = (side // 16 * 16 for side in frames[0].shape[:2])
    with rtsp_server(lambda index: frames[index][:height, :width], len(frames), 15) as address:
        arguments = ["predict", address, "--allow-download", "--weights", "shipped", "--jsonl"]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(row["gender"] for row in rows) == ["female", "male"]
    assert {row["file"] for row in rows} == {address}
    # How many were taken is a matter of speed; the last one is, and none twice.
    assert {row["last_frame"] for row in rows} == {len(frames) - 1}
    assert all(2 <= row["frames"] <= len(frames) for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["a.mp4", "b.jpg"], 3, "2 inputs could not be read"),
        (["--camera", "0", "--resume", "--out", "x.jsonl"], 2, "--resume is for files"),
        (["a.mp4", "--show"], 2, "--show needs a display"),
        (["rtsp://nowhere/live"], 2, "reading an address needs --allow-download"),
        (["gone.mp4", "--csv"], 3, "could not be read"),
        (["a.mp4", "--every", "0"], 2, "--every 0"),
    ],
)
def test_what_does_not_work(
    arguments: list[str],
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = CliRunner().invoke(app, ["predict", "--weights", "shipped", *arguments])
    assert result.exit_code == code, result.output
    assert says in result.stderr
