"""JSON Schemas of the rows of ``predict`` and of ``side_by_side`` in ``metrics.json``."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tools.documents import DOCS
from utkage.data.labels import GENDERS, MAX_AGE, RANGE_NAMES
from utkage.evaluation.comparison.side_by_side import (
    LABELS,
    METRIC_NAMES,
    MeanValues,
    PredictedFaces,
    SideBySide,
    SourceValues,
)
from utkage.evaluation.metrics.bootstrap import Estimate
from utkage.prediction.rows import STATUSES, UNCERTAIN, FaceRow, Row, TrackRow

FOLDER = DOCS / "schemas"
SCHEMAS: dict[str, type] = {
    "face-row.schema.json": FaceRow,
    "track-row.schema.json": TrackRow,
    "side-by-side.schema.json": SideBySide,
}
# The parts of an object that have a definition of their own.
_PARTS = {part.__name__: part for part in (Estimate, SourceValues, MeanValues, PredictedFaces)}
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
    "metric": {"enum": list(METRIC_NAMES)},
    "label": {"enum": list(LABELS)},
    **{name: {"minimum": 1} for name in ("face", "track", "frame", "threshold")},
    **{
        name: {"minimum": 0}
        for name in ("faces", "first_frame", "last_frame", "frames", "looks", "n")
    },
}


def schema_path(name: str) -> Path:
    """Where the schema of this name is."""
    return FOLDER / name


def schema_text(name: str) -> str:
    """The schema as JSON; ``name`` is a key of ``SCHEMAS``."""
    generated = TypeAdapter(SCHEMAS[name]).json_schema()
    schema = {"$schema": _DIALECT, "$id": name, **_object(SCHEMAS[name], generated)}
    if parts := generated.get("$defs"):
        schema["$defs"] = {part: _object(_PARTS[part], parts[part]) for part in sorted(parts)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _object(kind: type, generated: dict[str, Any]) -> dict[str, Any]:
    """The schema of a dataclass, with its documentation; its fields are in their own order."""
    names = [field.name for field in fields(kind)]
    meanings = _meanings(kind)
    if issubclass(kind, Row):
        names, meanings = list(kind.field_names()), {**_meanings(Row), **meanings}
    properties = generated["properties"]
    return {
        "title": kind.__name__,
        "description": (inspect.getdoc(kind) or "").split("\n\n")[0].split(" Further fields")[0],
        "type": "object",
        "required": names,
        "properties": {name: _property(properties[name], name, meanings[name]) for name in names},
    }


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
