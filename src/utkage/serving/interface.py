"""The interface of a server as OpenAPI: what the routes do not say themselves."""

from __future__ import annotations

from typing import Any

from utkage.data.labels import MAX_AGE
from utkage.prediction.predictor import ROTATIONS
from utkage.prediction.rows import STATUSES, FaceRow

_NUMBER, _TEXT = {"type": ["number", "null"]}, {"type": ["string", "null"]}
_POINTS = {"type": ["array", "null"], "items": {"type": "array", "items": {"type": "number"}}}
# Types of columns that are not numbers or null.
_COLUMNS: dict[str, dict[str, Any]] = {
    "file": {"type": "string"},
    "status": {"enum": list(STATUSES)},
    **dict.fromkeys(("reason", "range", "gender"), _TEXT),
    "box": {"type": ["array", "null"], "items": {"type": "number"}},
    "landmarks": _POINTS,
    "flags": {"type": ["array", "null"], "items": {"type": "string"}},
}
_ROW = {
    "type": "object",
    "required": list(FaceRow.field_names()),
    "properties": {name: _COLUMNS.get(name, _NUMBER) for name in FaceRow.field_names()},
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "interval": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "threshold": {"type": "integer", "minimum": 1, "maximum": MAX_AGE},
    "uncertain_below": {"type": "number", "minimum": 0.5, "maximum": 1},
    "max_faces": {"type": "integer", "minimum": 1},
    "rotate": {"type": "string", "enum": list(ROTATIONS)},
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
_PROBLEMS = {
    400: "The request cannot be read, or an option is unknown or outside its range.",
    401: "The token is missing or wrong.",
    403: "The request comes from the page of another site.",
    404: "There is no such address.",
    405: "The address takes another method.",
    408: "The body arrives too slowly.",
    413: "The body or the number of pictures is over a limit.",
    415: "Another type of content.",
    429: "Too many pictures wait; Retry-After says when to ask again.",
    503: "It took too long, or the predictor has failed.",
}
_FILE = {"type": "string", "format": "binary"}
_ENCODED = {"type": "string", "contentEncoding": "base64"}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"picture": _FILE}, "required": ["picture"]}
        },
        "image/jpeg": {"schema": _FILE},
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["pictures"],
                "additionalProperties": False,
                "properties": {
                    "pictures": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "oneOf": [{"required": ["data"]}, {"required": ["url"]}],
                            "properties": {
                                "data": _ENCODED,
                                "url": {"type": "string", "format": "uri"},
                                "name": {"type": "string", "maxLength": 1024},
                            },
                        },
                    },
                    **_OPTIONS,
                },
            }
        },
    },
}
_QUERY = [
    {"name": name, "in": "query", "required": False, "schema": schema}
    for name, schema in _OPTIONS.items()
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The responses of a route with these statuses, for ``responses`` of FastAPI."""
    content = {"application/json": {"schema": _ERROR}}
    return {status: {"description": _PROBLEMS[status], "content": content} for status in statuses}


PREDICT: dict[str, Any] = {
    "openapi_extra": {"requestBody": _BODY, "parameters": _QUERY},
    "responses": {
        200: {
            "description": "One row per face, and one for a picture without a face.",
            "content": {"application/json": {"schema": {"type": "array", "items": _ROW}}},
        },
        **problems(*(status for status in _PROBLEMS if status not in (404, 405))),
    },
}
"""What ``POST /v1/predict`` takes and gives, as keyword arguments of its route."""
