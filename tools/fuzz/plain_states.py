"""Plain ``.pt`` files of the seed system."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from random import Random
from typing import Any

from tools.fuzz.campaign import SLOW, Kind, describe_mutation
from tools.fuzz.mutations import mutated_bytes
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import write_chip, write_store
from tools.fuzz.weights import SEED_SIZE, small_seed_system, weights_command

_STATE = "state.pt"


def _set_up(folder: Path) -> None:
    from utkage.models.seed.plain_state import save_plain_state

    write_chip(folder)
    write_store(folder)
    save_plain_state(small_seed_system(), SEED_SIZE, folder / _STATE)


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    import torch

    path = folder / _STATE
    if random.random() < 0.25:
        content, mutation = mutated_bytes((valid / _STATE).read_bytes(), random)
        path.write_bytes(content)
    else:
        state: Any = torch.load(valid / _STATE, weights_only=True)
        state, mutation = mutated_state(state, random)
        if random.random() < 0.1:
            path.write_bytes(pickle.dumps({"x": 1}))
            mutation = "a pickle of plain values"
        else:
            torch.save(state, path, _use_new_zipfile_serialization=random.random() < 0.8)
    describe_mutation(folder, mutation)
    command = weights_command(random, valid, path)
    if random.random() < 0.1:
        run = ["--system", "seed", "--device", "cpu", "--dry-run", "--sizes", SEED_SIZE, "--quiet"]
        command = ["train", "--data", valid / "store", *run, "--init", path]
    return run_command(command, mutation)


def mutated_state(state: dict[Any, Any], random: Random) -> tuple[Any, str]:
    """A dictionary of tensors with other keys, values, types or shapes, and what changed."""
    name = random.choice(list(state))
    if random.random() < 0.3:
        name = random.choice([key for key in state if key in ("size", "age_scale")] or [name])
    action = random.choice(("tensor", "tensor", "tensor", "value", "key", "remove", "add", "whole"))
    if action == "tensor":
        state[name], change = mutated_tensor(state[name], random)
    elif action == "value":
        state[name] = random.choice((None, 1, "x", [1.0], {"a": 1}, math.nan, {1, 2}, b"x"))
        change = f"becomes {state[name]!r}"
    elif action == "key":
        key = random.choice((0, None, "", f"{name}.x", "\ud800", ("a", 1), "gender_model.", 1.5))
        state[key] = state.pop(name)
        change = f"is named {key!r}"
    elif action == "remove":
        del state[name]
        change = "removed"
    elif action == "add":
        key = random.choice(("x", 7, "gender_model.x", "age_range_model.blocks.0"))
        state[key] = state[name]
        change = f"is there as {key!r}, too"
    else:
        whole: list[Any] = [[], 7, None, {}, list(state.values()), {"state_dict": state}]
        return random.choice(whole), "another object"
    return state, f"{name}: {change}"


def mutated_tensor(tensor: Any, random: Random) -> tuple[Any, str]:
    """A tensor of another type, shape, layout or value, and what changed."""
    import torch

    if not isinstance(tensor, torch.Tensor):
        return torch.zeros(3), "a tensor"
    action = random.choice(
        ("number", "number", "type", "shape", "sparse", "expanded", "meta", "gradient", "strange")
    )
    if action == "number":
        number = random.choice((math.nan, math.inf, -math.inf, 1e38, -5.0, 0.0, 2.0**40))
        filled = tensor.clone().double()
        if random.random() < 0.5:
            filled[...] = number
        else:
            filled.reshape(-1)[:1] = number
        return (filled if random.random() < 0.2 else filled.to(tensor.dtype)), f"holds {number}"
    if action == "type":
        kind = random.choice(
            (torch.bfloat16, torch.float64, torch.int8, torch.complex64, torch.bool, torch.float16)
        )
        return tensor.to(kind), str(kind)
    if action == "sparse":
        return (tensor if tensor.ndim else tensor[None]).to_sparse(), action
    if action == "expanded":
        return torch.zeros(1).expand(random.choice((10**6, 10**12))), action
    if action == "meta":
        return tensor.to("meta"), action
    if action == "gradient":
        return torch.nn.Parameter(tensor.float()), action
    if action == "strange":
        return random.choice((torch.empty(0), torch.tensor(7), tensor[..., None])), action
    return tensor.reshape(-1)[: random.choice((0, 1, 5))], action


KIND = Kind(name="states", set_up=_set_up, run=_run, hang=SLOW)
