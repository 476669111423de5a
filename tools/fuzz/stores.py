"""Prepared sets: ``store.json``, manifest, list of dropped pictures and chips."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

from tools.fuzz.campaign import SLOW, Kind, describe_mutation
from tools.fuzz.mutations import json_text, mutated_bytes, mutated_text, mutated_value
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import QUICK, SIZE, STORE, write_store


def _set_up(folder: Path) -> None:
    write_store(folder)


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    store = folder / STORE
    shutil.copytree(valid / STORE, store)
    chance = random.random()
    if chance < 0.5:
        path = store / "store.json"
        value, mutation = mutated_value(json.loads(path.read_text()), random)
        path.write_bytes(json_text(value, random).encode("utf-8", "surrogatepass"))
    else:
        names = ("store.json", "audit.json", "manifest-*.csv", "manifest-*.csv", "dropped-*.csv")
        path = random.choice(sorted(store.glob(random.choice((*names, "chips-*.u8")))))
        if path.suffix == ".u8":
            content, mutation = mutated_bytes(path.read_bytes(), random)
        else:
            content, mutation = mutated_text(path.read_text(), random)
        path.write_bytes(content)
    mutation = f"{path.name}: {mutation}"
    describe_mutation(folder, mutation)
    evaluate = ["evaluate", "--data", store, "--weights", "shipped", "--json", *QUICK]
    prepare = ["prepare", valid / "chips", "--out", store, "--chip-size", SIZE, "--quiet"]
    commands: list[list[object]] = [
        ["info", store],
        ["info", store, "--json"],
        evaluate,
        evaluate,
        [*evaluate, "--split", "train"],
        ["train", "--data", store, "--dry-run", "--quiet", "--init", "scratch", "--sizes", SIZE],
        [*prepare, "--aligned", "yes"],
    ]
    return run_command(random.choice(commands), mutation)


KIND = Kind(name="stores", set_up=_set_up, run=_run, hang=SLOW)
