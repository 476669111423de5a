"""Weights files: their header, their card and their tensors."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tools.fuzz.campaign import SLOW, Kind, describe_mutation
from tools.fuzz.mutations import json_text, mutated_array, mutated_bytes, mutated_value
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import (
    CHIP,
    QUICK,
    STORE,
    read_safetensors,
    safetensors_bytes,
    write_chip,
    write_store,
)

_WEIGHTS = "weights.safetensors"
_SEED_WEIGHTS = "seed.safetensors"
_ODD_TYPES = ("BF16", "F64", "F16", "F8_E4M3", "F8_E5M2", "I64", "BOOL", "U16", "C64", "X", 7)


def _set_up(folder: Path) -> None:
    from utkage.models.locate import shipped_weights

    write_chip(folder)
    write_store(folder)
    (folder / _WEIGHTS).write_bytes(shipped_weights().read_bytes())
    write_seed_weights(folder / _SEED_WEIGHTS)


def write_seed_weights(path: Path) -> None:
    """Weights of a small seed system."""
    from utkage.models.seed.plain_state import plain_weights, save_plain_state
    from utkage.models.weights import save_weights

    plain = path.with_suffix(".pt")
    save_plain_state(small_seed_system(), SEED_SIZE, plain)
    save_weights(path, plain_weights(plain))


SEED_SIZE = 32


def small_seed_system() -> Any:
    """A seed system with few channels."""
    import torch

    from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
    from utkage.models.seed.system import SeedSystem
    from utkage.models.seed.vgg_face import VggFace

    torch.manual_seed(0)
    return SeedSystem(VggFace(SEED_SIZE, 0.02), AgeRangeNet(), AgeEstimationNet())


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    path = folder / _WEIGHTS
    source = random.choice((_WEIGHTS, _WEIGHTS, _SEED_WEIGHTS))
    content, mutation = _mutated(valid / source, random)
    path.write_bytes(content)
    describe_mutation(folder, mutation)
    return run_command(weights_command(random, valid, path), mutation)


def weights_command(random: Random, valid: Path, path: Path) -> list[object]:
    """A command that reads the weights at ``path``."""
    predict = ["predict", valid / CHIP, "--crop", "none", "--weights", path, "--quiet"]
    commands: list[list[object]] = [
        ["info", path],
        ["info", path, "--json"],
        [*predict, "--jsonl"],
        [*predict, "--jsonl"],
        [*predict, "--jsonl", "--no-flip", "--threshold", "18"],
        [*predict, "--csv"],
        predict,
        [*predict, "--jsonl", "--engine", "torch"],
        ["evaluate", "--data", valid / STORE, "--weights", path, "--json", *QUICK],
        ["train", "--data", valid / STORE, "--init", path, "--dry-run", "--quiet"],
    ]
    return random.choice(commands)


def _mutated(path: Path, random: Random) -> tuple[bytes, str]:
    chance = random.random()
    if chance < 0.15:
        return mutated_bytes(path.read_bytes(), random, last=random.choice((16, 4000, None)))
    header, data = read_safetensors(path)
    if chance < 0.55:
        card, change = mutated_value(json.loads(header["__metadata__"]["card"]), random)
        header["__metadata__"]["card"] = json_text(card, random)
        return safetensors_bytes(json.dumps(header), data), f"card: {change}"
    if chance < 0.75:
        header, change = _mutated_header(header, random)
        return safetensors_bytes(json_text(header, random), data), f"header: {change}"
    return _mutated_tensor(header, data, random)


def _mutated_header(header: dict[str, Any], random: Random) -> tuple[dict[str, Any], str]:
    if random.random() < 0.5:
        return mutated_value(header, random)
    name = random.choice([name for name in header if name != "__metadata__"])
    kind = random.choice(_ODD_TYPES)
    header[name] = {**header[name], "dtype": kind}
    return header, f"{name} has the type {kind}"


def _mutated_tensor(header: dict[str, Any], data: bytes, random: Random) -> tuple[bytes, str]:
    from safetensors.numpy import load, save

    arrays = load(safetensors_bytes(json.dumps(header), data))
    name = random.choice(list(arrays))
    action = random.choice(("change", "change", "change", "remove", "add", "several"))
    change = action
    if action == "remove":
        del arrays[name]
    elif action == "add":
        arrays[random.choice(("x", "network.x", f"{name}.x"))] = np.zeros(3, np.float32)
    else:
        for each in [name] if action == "change" else random.sample(list(arrays), 9):
            arrays[each], change = mutated_array(arrays[each], random)
    return save(arrays, metadata=header["__metadata__"]), f"tensor {name}: {change}"


KIND = Kind(name="weights", set_up=_set_up, run=_run, hang=SLOW)
