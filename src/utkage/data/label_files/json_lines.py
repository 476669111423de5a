"""JSON Lines, and JSON files with one list of objects."""

from __future__ import annotations

from collections.abc import Iterator

from utkage.core.json_text import json_text, parse_json
from utkage.data.label_files.row import Line, Table

SUFFIXES = (".jsonl", ".ndjson", ".json")


def read_json(text: str, name: str) -> Table:
    """Parse one JSON object per line or, in a ``.json`` file, a list of objects."""
    lines = tuple(_listed(text) if name.lower().endswith(".json") else _lines(text))
    titles = dict.fromkeys(title for line in lines for title in line.cells)
    return Table(titles=tuple(titles), lines=lines)


def _listed(text: str) -> Iterator[Line]:
    try:
        value = parse_json(text, longest=len(text), surrogates=True)
    except ValueError:
        # Some programs give JSON Lines the suffix of JSON.
        yield from _lines(text)
        return
    if isinstance(value, dict):
        # {"a.jpg": {"age": 25}, ...}, or {"data": [{...}, ...]}.
        inner = next((item for item in value.values() if isinstance(item, list)), None)
        value = inner or [
            {"path": key, **item} for key, item in value.items() if isinstance(item, dict)
        ]
    for number, item in enumerate(value if isinstance(value, list) else [], start=1):
        yield _line(number, item)


def _lines(text: str) -> Iterator[Line]:
    # splitlines would also split at characters that JSON allows inside strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = parse_json(line, longest=len(line), surrogates=True)
        except ValueError:
            yield Line(number=number, problem="not JSON")
            continue
        yield _line(number, value)


def _line(number: int, value: object) -> Line:
    if not isinstance(value, dict):
        return Line(number=number, problem="not a JSON object")
    cells = {str(key).lower(): _text(item) for key, item in value.items()}
    return Line(number=number, cells=cells)


def _text(value: object) -> str:
    if value is None:
        return ""
    # Booleans are integers in Python, but neither ages nor genders.
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip()
    return json_text(value)
