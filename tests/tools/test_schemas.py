"""The JSON Schemas of the documents accept real rows, and nothing that is none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

from tools.docs.schemas import SCHEMAS, schema_path, schema_text
from utkage.cli.app import app
from utkage.data.labels import AGE_COUNT
from utkage.prediction.predictions import distribution_quantile
from utkage.prediction.rows import TrackRow


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(schema_path(name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture(scope="module")
def rows(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Rows with faces, without a face, and of a file that cannot be read."""
    broken = tmp_path_factory.mktemp("broken") / "broken.jpg"
    broken.write_bytes(b"no picture")
    inputs = [examples / "portrait.jpg", examples / "landscape.jpg", broken]
    done = CliRunner().invoke(app, ["predict", *map(str, inputs), "--json", "--threshold", "18"])
    found = json.loads(done.stdout)
    assert [row["status"] for row in found] == ["ok", "no_face", "failed"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_files_are_current(name: str) -> None:
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name)


def test_rows_of_faces_are_valid(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        validator("face-row.schema.json").validate(row)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "fine"),
        ("age", 200),
        ("age", "22"),
        ("gender", "f"),
        ("p_female", 1.2),
        ("range", "20-30"),
        ("box", [1, 2, 3]),
        ("face", 0),
        ("file", None),
    ],
)
def test_other_values_are_refused(rows: list[dict[str, Any]], key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        validator("face-row.schema.json").validate({**rows[0], key: value})


def test_intervals_may_end_half_a_year_above_the_highest_age(rows: list[dict[str, Any]]) -> None:
    oldest = np.zeros((1, AGE_COUNT))
    oldest[0, -1] = 1
    highest = float(distribution_quantile(oldest, 1.0)[0])
    validator("face-row.schema.json").validate({**rows[0], "age_high": highest})


def test_a_missing_key_is_refused(rows: list[dict[str, Any]]) -> None:
    row = {key: value for key, value in rows[0].items() if key != "flags"}
    with pytest.raises(ValidationError, match="flags"):
        validator("face-row.schema.json").validate(row)


def test_rows_of_videos_are_valid() -> None:
    predicted: dict[str, Any] = {
        "age": 31.0,
        "age_low": 24.5,
        "age_high": 39.0,
        "range": "26-35",
        "range_probability": 0.6,
        "gender": "uncertain",
        "p_female": 0.51,
        "interval_level": 0.8,
    }
    place = {"track": 1, "start": 0.0, "end": 1.5, "first_frame": 0, "last_frame": 30}
    found = TrackRow(
        "clip.mp4",
        "ok",
        box=(1, 2, 3, 4),
        flags=("small",),
        frames=31,
        looks=9,
        **place,
        **predicted,
    )
    for row in (found, TrackRow("clip.mp4", "failed", "cannot be read")):
        validator("track-row.schema.json").validate(json.loads(json.dumps(row.to_dict())))
    with pytest.raises(ValidationError):
        validator("track-row.schema.json").validate({**found.to_dict(), "looks": -1})
