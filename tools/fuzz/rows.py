"""Rows of ``predict`` that a run resumes from, and tables of predictions to evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from tools.fuzz.campaign import Kind, describe_mutation
from tools.fuzz.mutations import any_value, json_text, mutated_bytes, mutated_text, mutated_value
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import CHIP, QUICK, STORE, write_chip, write_store

_ROWS = "rows.jsonl"
_TABLE = "table.csv"


def _set_up(folder: Path) -> None:
    write_chip(folder)
    write_store(folder)
    inputs = [folder / CHIP, *sorted((folder / "chips").iterdir())]
    predict = ["predict", *inputs, "--crop", "none", "--weights", "shipped", "--quiet"]
    for name in (_ROWS, _TABLE):
        done = run_command([*predict, "--out", folder / name], "none")
        assert not done.problem, done


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    if random.random() < 0.3:
        path = folder / random.choice(("t.csv", "t.json", "t.jsonl"))
        text = (valid / (_TABLE if path.suffix == ".csv" else _ROWS)).read_text()
        content, mutation = mutated_text(text, random)
        if path.suffix != ".csv" and random.random() < 0.7:
            content, mutation = _mutated_rows(text, random, listed=path.suffix == ".json")
    else:
        path = folder / _ROWS
        content, mutation = _mutated_rows((valid / _ROWS).read_text(), random)
    path.write_bytes(content)
    describe_mutation(folder, mutation)
    return run_command(_command(random, valid, path), mutation)


def _command(random: Random, valid: Path, path: Path) -> list[object]:
    evaluate = ["evaluate", "--data", valid / STORE, "--weights", path, "--json", *QUICK]
    if path.name != _ROWS or random.random() < 0.2:
        return evaluate
    command = ["predict", valid / CHIP, "--crop", "none", "--out", path, "--resume", "--quiet"]
    if random.random() < 0.3:
        command += ["--save-crops", path.parent / "crops"]
    return command


def _mutated_rows(text: str, random: Random, *, listed: bool = False) -> tuple[bytes, str]:
    rows: list[Any] = [json.loads(line) for line in text.splitlines()]
    chance = random.random()
    if chance < 0.1:
        return mutated_bytes(text.encode(), random)
    if chance < 0.4:
        number = random.randrange(len(rows))
        key = random.choice(list(rows[number]))
        value = any_value(random)
        rows[number][key] = value
        mutation = f"row {number}: {key} becomes {str(value)[:40]!r}"
    else:
        number = random.randrange(len(rows))
        rows[number], mutation = mutated_value(rows[number], random)
        if chance > 0.9:
            rows[number] = any_value(random)
    if listed:
        return json_text(rows, random).encode("utf-8", "surrogatepass"), mutation
    lines = [
        json_text(row, random) if i == number else json.dumps(row) for i, row in enumerate(rows)
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"), mutation


KIND = Kind(name="rows", set_up=_set_up, run=_run)
