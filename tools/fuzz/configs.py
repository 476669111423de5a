"""Settings in TOML, and run folders that ``runs`` lists."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from tools.fuzz.campaign import Kind, describe_mutation
from tools.fuzz.mutations import NUMBERS, TEXTS, json_text, mutated_text, mutated_value
from tools.fuzz.outcome import Outcome, run_command

_VALUES = (
    *("nan", "inf", "-inf", "1979-05-27T07:32:00Z", "07:32:00", "[]", "{}", "[[]]", "true", '""'),
    *("0x7fffffffffffffffffff", "1e400", "[1, 'x']", "{a = {b = 1}}", '"\\u0000"', "'''x'''"),
)
_ROW = {"epoch": 1, "train_loss": 1.5, "val_mae": 5.0, "val_n": 9, "val_sources": {}}


def _set_up(folder: Path) -> None:
    from utkage.training.recipes import resolve_recipe

    for name in ("default", "seed"):
        recipe = resolve_recipe(name, device="cpu")
        origin = {"command": "utkage train", "started": "2026-01-01", "versions": {"torch": "2"}}
        (folder / f"{name}.toml").write_text(recipe.to_toml(origin))


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    text = (valid / f"{random.choice(('default', 'seed'))}.toml").read_text()
    content, mutation = _mutated(text, random)
    run = folder / "runs" / "one"
    run.mkdir(parents=True)
    path = run / "config.toml"
    path.write_bytes(content)
    rows, change = mutated_value([_ROW, {**_ROW, "epoch": 2}], random)
    if isinstance(rows, list) and random.random() < 0.5:
        lines = [json_text(row, random) for row in rows]
        (run / "metrics.jsonl").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
        mutation += f"; rows: {change}"
    describe_mutation(folder, mutation)
    commands: list[list[object]] = [
        ["train", "--config", path, "--print-config"],
        ["train", "--config", path, "--print-config"],
        ["train", "--config", run, "--print-config", "--device", "cpu"],
        ["runs", "--folder", folder / "runs"],
        ["runs", "--folder", folder / "runs", "--json"],
        ["runs", "--folder", folder / "runs", "--compare", "one", "default"],
        ["runs", "--folder", folder / "runs", "--compare", "one", "default", "--json"],
    ]
    return run_command(random.choice(commands), mutation)


def _mutated(text: str, random: Random) -> tuple[bytes, str]:
    if random.random() < 0.3:
        return mutated_text(text, random)
    lines = text.splitlines()
    settings = [index for index, line in enumerate(lines) if " = " in line and line[0] != "#"]
    index = random.choice(settings)
    name = lines[index].partition(" = ")[0]
    action = random.choice(("value", "value", "value", "number", "text", "deep", "twice", "table"))
    if action == "value":
        value = random.choice(_VALUES)
    elif action == "number":
        value = str(random.choice(NUMBERS))
    elif action == "text":
        value = json.dumps(random.choice(TEXTS))
    elif action == "deep":
        depth = random.choice((70, 2_000, 100_000))
        value = "[" * depth + "]" * depth
    elif action == "table":
        name, value = random.choice(("[training", "[[training]]\nx", "a.b.c", "[x]\ny")), "1"
    else:
        value = f"1\n{name} = 1"
    lines[index] = f"{name} = {value}"
    return "\n".join(lines).encode("utf-8", "surrogatepass"), f"{name} = {value[:40]!r}"


KIND = Kind(name="configs", set_up=_set_up, run=_run)
