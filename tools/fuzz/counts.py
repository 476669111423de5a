"""The counts of campaigns, kept as JSON for the table in docs/reliability.md."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections import Counter
from pathlib import Path
from typing import Any

from tools.fuzz.campaign import Count
from tools.fuzz.outcome import Outcome
from tools.program import shown_command
from utkage.core.files import write_json

COUNTS = Path(__file__).with_name("counts.json")


def record(count: Count, program: str, path: Path = COUNTS) -> None:
    """Add the counts of one kind to the file.

    The same kind and seed replace earlier counts. The problems of the first campaign stay in
    ``problems_before``, so that the table shows what was mended since.
    """
    row = {
        "kind": count.kind,
        "seed": count.seed,
        "trials": count.trials,
        "problems": dict(count.problems),
        "failed_trials": {str(number): each for number, each in count.failures.items()},
        "exit_codes": dict(count.codes),
        "slowest_seconds": round(count.slowest, 2),
        "peak_bytes": count.peak,
        "date": datetime.date.today().isoformat(),
        "command": shown_command(program),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    former = read_counts(path)
    earlier = [each for each in former if (each["kind"], each["seed"]) == (count.kind, count.seed)]
    for each in earlier:
        row["problems_before"] = each.get("problems_before", each["problems"])
    write_json(path, [*(each for each in former if each not in earlier), row])


def failed_trials(kind: str, seed: int, path: Path = COUNTS) -> list[int]:
    """Numbers of the trials that failed in a recorded campaign."""
    rows = [row for row in read_counts(path) if (row["kind"], row["seed"]) == (kind, seed)]
    return [int(number) for row in rows for number in row.get("failed_trials", {})]


def record_repeated(
    kind: str, seed: int, number: int, outcome: Outcome, path: Path = COUNTS
) -> None:
    """Replace the problem of a failed trial of a recorded campaign, which ran again."""
    rows = read_counts(path)
    for row in rows:
        if (row["kind"], row["seed"]) == (kind, seed):
            row.setdefault("problems_before", row["problems"])
            row["failed_trials"][str(number)] = outcome.problem
            failures = {each: problem for each, problem in row["failed_trials"].items() if problem}
            row["failed_trials"], row["problems"] = failures, dict(Counter(failures.values()))
    write_json(path, rows)


def read_counts(path: Path = COUNTS) -> list[dict[str, Any]]:
    """All counts that were recorded, oldest first."""
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return rows
