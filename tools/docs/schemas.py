"""JSON Schemas of the rows of ``predict``, from their dataclasses."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tools.documents import DOCS
from utkage.data.labels import GENDERS, MAX_AGE, RANGE_NAMES
from utkage.prediction.rows import STATUSES, UNCERTAIN, FaceRow, Row, TrackRow

FOLDER = DOCS / "schemas"
SCHEMAS: dict[str, type[Row]] = {
    "face-row.schema.json": FaceRow,
    "track-row.schema.json": TrackRow,
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PROBABILITY = {"minimum": 0, "maximum": 1}
# The probability of a year is spread over the half years around it, so intervals may end above it.
_AGE = {"minimum": 0, "maximum": MAX_AGE + 0.5}
# What the types of the fields do not say.
_LIMITS: dict[str, dict[str, Any]] = {
    "status": {"enum": list(STATUSES)},
    "range": {"enum": list(RANGE_NAMES)},
    "gender": {"enum": [*GENDERS, UNCERTAIN]},
    "rotated": {"enum": [0, 90, 180, 270]},
    **dict.fromkeys(("age", "age_low", "age_high"), _AGE),
    **dict.fromkeys(
        ("score", "range_probability", "p_female", "interval_level", "p_at_least"), _PROBABILITY
    ),
    **{name: {"minimum": 1} for name in ("face", "track", "frame", "threshold")},
    **{name: {"minimum": 0} for name in ("faces", "first_frame", "last_frame", "frames", "looks")},
}


def schema_path(name: str) -> Path:
    """Where the schema of this name is."""
    return FOLDER / name


def schema_text(name: str) -> str:
    """The schema as JSON; ``name`` is a key of ``SCHEMAS``."""
    row = SCHEMAS[name]
    generated = TypeAdapter(row).json_schema()["properties"]
    meanings = {**_meanings(Row), **_meanings(row)}
    schema = {
        "$schema": _DIALECT,
        "$id": name,
        "title": row.__name__,
        "description": (inspect.getdoc(row) or "").split("\n\n")[0].split(" Further fields")[0],
        "type": "object",
        "required": list(row.field_names()),
        "properties": {
            field: _property(generated[field], field, meanings[field])
            for field in row.field_names()
        },
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _property(found: dict[str, Any], field: str, meaning: str) -> dict[str, Any]:
    """The type of a field, with its limits; those do not hold for null."""
    limits = _LIMITS.get(field, {})
    kinds = [
        kind if kind.get("type") == "null" else {**kind, **limits}
        for kind in found.get("anyOf", [{k: v for k, v in found.items() if k != "title"}])
    ]
    return {"description": meaning, **(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})}


def _meanings(row: type) -> dict[str, str]:
    """The text of each field in the docstring's section ``Attributes``, without code marks."""
    section = (inspect.getdoc(row) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {
        name: re.sub(r"\bNone\b", "null", " ".join(text.split()).replace("``", ""))
        for name, text in found
    }
