"""Checkpoints of a training that is resumed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

from tools.fuzz.campaign import SLOW, Kind, describe_mutation
from tools.fuzz.mutations import any_value, json_text, mutated_bytes, mutated_value
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.plain_states import mutated_state
from tools.fuzz.samples import SIZE, STORE, write_store

_RUN = "run"
_SYSTEMS = ("multitask", "seed")


def _command(valid: Path, run: Path, system: str) -> list[object]:
    shared = ["--sizes", SIZE, "--batch-size", 8, "--epochs", 2, "--device", "cpu", "--quiet"]
    command: list[object] = ["train", "--data", valid / STORE, "--run", run, *shared]
    if system == "seed":
        return [*command, "--system", "seed", "--gender-width", 0.02]
    return [*command, "--backbone", "mobilenet_v3_small", "--init", "scratch"]


def _set_up(folder: Path) -> None:
    write_store(folder)
    for system in _SYSTEMS:
        run = folder / f"{_RUN}-{system}"
        done = run_command(_command(folder, run, system), "none")
        assert not done.problem, done


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    import torch

    system = random.choice(_SYSTEMS)
    run = folder / _RUN
    shutil.copytree(valid / f"{_RUN}-{system}", run)
    path = next(run.glob("checkpoint-*.pt"))
    if random.random() < 0.2:
        content, mutation = mutated_bytes(path.read_bytes(), random)
        path.write_bytes(content)
    else:
        value: Any = torch.load(path, weights_only=True)
        value, mutation = _mutated(value, random)
        torch.save(value, path)
    describe_mutation(folder, f"{system}: {mutation}")
    return run_command(_command(valid, run, system), f"{system}: {mutation}")


def _mutated(value: dict[str, Any], random: Random) -> tuple[Any, str]:
    action = random.choice(("part", "part", "weights", "optimizer", "rows", "identity", "missing"))
    if action == "weights":
        name = random.choice(("network", "average"))
        value[name], change = mutated_state(value[name], random)
        return value, f"{name}: {change}"
    if action == "optimizer":
        return value, f"optimizer{_change_inside(value['optimizer'], random)}"
    if action in ("rows", "identity"):
        found, change = mutated_value(json.loads(value[action]), random)
        value[action] = json_text(found, random)
        return value, f"{action}: {change}"
    name = random.choice(list(value))
    if action == "missing":
        del value[name]
        return value, f"no {name}"
    value[name] = any_value(random)
    return value, f"{name} becomes {str(value[name])[:40]!r}"


def _change_inside(place: Any, random: Random) -> str:
    """Change one value somewhere inside dictionaries and lists."""
    path = ""
    while True:
        key: Any = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
        inner, path = place[key], f"{path}.{key}"
        if isinstance(inner, (dict, list)) and inner and random.random() < 0.9:
            place = inner
            continue
        if isinstance(place, dict) and random.random() < 0.2:
            del place[key]
            return f"{path} removed"
        if isinstance(inner, (int, float, str, bool)) or inner is None or random.random() < 0.3:
            place[key] = any_value(random)
            return f"{path} becomes {str(place[key])[:40]!r}"
        changed, change = mutated_state({"x": inner}, random)
        place[key] = changed.get("x") if isinstance(changed, dict) else changed
        return f"{path}: {change}"


KIND = Kind(name="checkpoints", set_up=_set_up, run=_run, hang=SLOW)
