"""The main job: photographs in, one row a face out, with the shipped weights."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from utkage.cli.app import app

ROW_KEYS = [
    "file",
    "status",
    "reason",
    "face",
    "box",
    "score",
    "age",
    "age_low",
    "age_high",
    "range",
    "range_probability",
    "gender",
    "p_female",
    "interval_level",
    "threshold",
    "p_at_least",
    "flags",
    "landmarks",
    "faces",
    "rotated",
    "frame",
]

Rows = list[dict[str, object]]


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rows]:
    """Rows of ``predict --json`` with the shipped weights."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Rows:
        command = ["predict", "--json", "--weights", "shipped", *map(str, arguments)]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        return list(json.loads(result.stdout))

    return run


def test_every_face_of_the_examples(predict: Callable[..., Rows], examples: Path) -> None:
    rows = predict(examples / "*.jpg")
    counts = {
        name: sum(Path(str(row["file"])).name == name and row["face"] is not None for row in rows)
        for name in ("portrait.jpg", "couple.jpg", "family.jpg", "rotated.jpg", "landscape.jpg")
    }
    assert counts == {
        "portrait.jpg": 1,
        "couple.jpg": 2,
        "family.jpg": 7,
        "rotated.jpg": 1,
        "landscape.jpg": 0,
    }
    assert all(list(row) == ROW_KEYS for row in rows)
    for row in rows:
        if row["status"] == "ok":
            assert row["age_low"] <= row["age"] <= row["age_high"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "oldest", "youngest"),
    [
        ("0-4_male", 5, 0),
        ("5-12_female", 14, 4),
        ("18-25_female", 29, 15),
        ("28-38_male", 42, 22),
        ("65-85_male", 90, 52),
    ],
)
def test_averaged_faces_get_plausible_ages(
    predict: Callable[..., Rows], examples: Path, name: str, oldest: float, youngest: float
) -> None:
    (row,) = predict("--crop", "none", examples / "faces" / f"{name}.jpg")
    assert youngest <= row["age"] <= oldest  # type: ignore[operator]


@pytest.mark.parametrize("group", ["18-25", "28-38", "45-58", "65-85"])
@pytest.mark.parametrize("gender", ["female", "male"])
def test_averaged_adults_get_their_gender(
    predict: Callable[..., Rows], examples: Path, group: str, gender: str
) -> None:
    (row,) = predict("--crop", "none", examples / "faces" / f"{group}_{gender}.jpg")
    assert row["gender"] == gender


def test_orientation_is_obeyed(
    predict: Callable[..., Rows], examples: Path, tmp_path: Path
) -> None:
    with Image.open(examples / "rotated.jpg") as stored:
        assert stored.getexif()[0x0112] != 1
        ImageOps.exif_transpose(stored).save(tmp_path / "upright.png")
    (sideways,) = predict(examples / "rotated.jpg")
    (upright,) = predict("upright.png")
    assert sideways["box"] == upright["box"]
    assert sideways["age"] == upright["age"]


def test_a_real_photograph(predict: Callable[..., Rows], tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    Image.fromarray(data.astronaut()).save(tmp_path / "astronaut é 우주.png")
    (row,) = predict("astronaut é 우주.png")
    assert row["p_female"] > 0.6  # type: ignore[operator]
    assert 25 <= row["age"] <= 50  # type: ignore[operator]


def test_a_face_in_a_photograph_is_answered_as_its_chip(
    predict: Callable[..., Rows], examples: Path, tmp_path: Path
) -> None:
    """The crop contract, end to end: pasted, turned, scaled, found and aligned again."""
    chip = Image.open(examples / "faces" / "28-38_male.jpg")
    canvas = Image.new("RGB", (900, 700), (96, 110, 120))
    large = chip.resize((340, 340), Image.Resampling.BICUBIC)
    mask = Image.new("L", large.size, 255).rotate(12, expand=True)
    canvas.paste(large.rotate(12, expand=True, resample=Image.Resampling.BICUBIC), (250, 150), mask)
    canvas.save(tmp_path / "canvas.png")
    (direct,) = predict("--crop", "none", examples / "faces" / "28-38_male.jpg")
    (found,) = predict("canvas.png")
    assert found["age"] == pytest.approx(direct["age"], abs=4)
    assert found["gender"] == direct["gender"]


def test_annotated_copies(predict: Callable[..., Rows], examples: Path, tmp_path: Path) -> None:
    predict(examples / "couple.jpg", examples / "landscape.jpg", "--save-images", "out")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(written) == 2
    drawn = np.asarray(Image.open(tmp_path / "out" / written[0]))
    original = np.asarray(Image.open(examples / "couple.jpg"))
    assert drawn.shape == original.shape
    assert np.abs(drawn.astype(int) - original).max(axis=2).mean() > 1


def test_csv_says_what_json_says(
    predict: Callable[..., Rows], examples: Path, tmp_path: Path
) -> None:
    wanted = predict(examples / "couple.jpg")
    command = ["predict", str(examples / "couple.jpg"), "--csv", "--weights", "shipped"]
    result = CliRunner().invoke(app, command)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [float(row["age"]) for row in rows] == [row["age"] for row in wanted]
    assert [[float(row[k]) for k in ("x0", "y0", "x1", "y1")] for row in rows] == [
        row["box"] for row in wanted
    ]


def test_max_faces_keeps_the_largest(predict: Callable[..., Rows], examples: Path) -> None:
    every = predict(examples / "family.jpg")
    two = predict(examples / "family.jpg", "--max-faces", 2)
    assert two == [{**row, "faces": 2} for row in every[:2]]


def test_the_same_from_the_library(predict: Callable[..., Rows], examples: Path) -> None:
    import utkage

    path = str(examples / "portrait.jpg")
    request = utkage.PredictRequest(inputs=(path,), weights="shipped")
    rows = [row.to_dict() for row in utkage.predict(request)]
    assert rows == predict(path)


def test_annotated_copies_of_one_name_do_not_collide(
    predict: Callable[..., Rows], examples: Path, tmp_path: Path
) -> None:
    for parent in ("a/x", "b/x"):
        (tmp_path / parent).mkdir(parents=True)
        for suffix in (".jpg", ".jpeg"):
            target = tmp_path / parent / f"img{suffix}"
            target.write_bytes((examples / "portrait.jpg").read_bytes())
    predict("a", "b", "--save-images", "out")
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_slow_list_is_answered_line_by_line(examples: Path) -> None:
    """Whoever writes the list may wait for each prediction before writing the next line."""
    command = ["predict", "-", "--jsonl", "--weights", "shipped", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "utkage", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in ("portrait.jpg", "couple.jpg", "gone.jpg"):
            path = str(examples / name)
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["file"] == path
            if name == "couple.jpg":
                assert json.loads(process.stdout.readline())["file"] == path
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 3
