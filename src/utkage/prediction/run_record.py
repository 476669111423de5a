"""What made a file of rows, in a hidden file beside it, so that only the same run resumes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utkage.core.errors import UsageError
from utkage.core.files import write_json
from utkage.core.json_text import json_text, parse_json
from utkage.core.partials import shortened

_FORMAT = "utkage run"
# The record of a usual run has some 500 bytes.
_LONGEST = 1 << 16


@dataclass(frozen=True)
class RunRecord:
    """The settings that decide the rows of a file, apart from its inputs.

    Attributes:
        settings: Plain values by the name of the setting.
    """

    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        # As they are read from JSON, which has no tuples.
        object.__setattr__(self, "settings", parse_json(json_text(dict(self.settings))))

    def require_same(self, rows: Path) -> None:
        """Refuse rows that were made with other settings; those without a record pass.

        Settings that only one of the two versions of this program has are not compared.

        Raises:
            UsageError: which settings differ, or the record is damaged.
        """
        former = _read(rows).get("settings", {})
        changed = [
            f"`{name}` {_shown(former[name])}, not {_shown(value)}"
            for name, value in self.settings.items()
            if name in former and former[name] != value
        ]
        if changed:
            raise UsageError(
                f"{rows}: its rows were made with {' and '.join(changed)}; repeat the command as "
                "it was, or name another file"
            )

    def write(self, rows: Path, *, finished_bytes: int | None = None) -> None:
        """Write the record of a file of rows.

        Args:
            rows: The file.
            finished_bytes: Its length after the last row of its last video; None keeps what the
                record has.
        """
        if finished_bytes is None:
            finished_bytes = finished_length(rows)
        values = {"format": _FORMAT, "settings": self.settings, "finished_bytes": finished_bytes}
        write_json(record_file(rows), values)


def record_file(rows: Path) -> Path:
    """The record of a file of rows: ``.rows.jsonl.run`` beside ``rows.jsonl``.

    >>> record_file(Path("/data/rows.jsonl")).name
    '.rows.jsonl.run'
    """
    rows = Path(os.path.realpath(rows))
    return rows.with_name(f".{shortened(rows.name)}.run")


def finished_length(rows: Path) -> int:
    """Bytes of a file of rows up to which its videos are complete, as far as is recorded."""
    length = _read(rows).get("finished_bytes", 0)
    return length if isinstance(length, int) else 0


def _read(rows: Path) -> dict[str, Any]:
    path = record_file(rows)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        values = parse_json(content, longest=_LONGEST, surrogates=True)
        if not isinstance(values, dict) or values.get("format") != _FORMAT:
            raise ValueError("not a record of a run")
        if not isinstance(values.get("settings"), dict):
            raise ValueError("without settings")
    except ValueError as error:
        raise UsageError(
            f"{path}: damaged ({error}); remove it to resume {rows.name} without a comparison of "
            "settings"
        ) from error
    return values


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
