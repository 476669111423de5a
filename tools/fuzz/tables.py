"""Label files and split files, which ``prepare`` reads."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tools.examples.demo_set import make_demo_set
from tools.fuzz.campaign import SLOW, Kind, describe_mutation
from tools.fuzz.mutations import NUMBERS, TEXTS, json_text, mutated_text, mutated_value
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import CHIPS, FACES, SIZE


def _set_up(folder: Path) -> None:
    chips = make_demo_set(FACES, folder / "chips", CHIPS, seed=0)
    names = [path.name for path in chips]
    labels = [f"{name},{name.split('_')[0]},{i % 2}" for i, name in enumerate(names)]
    (folder / "labels.csv").write_text("\n".join(["path,age,gender", *labels]) + "\n")
    splits = [f"{name},{('train', 'val', 'test')[i % 3]}" for i, name in enumerate(names)]
    (folder / "splits.csv").write_text("\n".join(["name,split", *splits]) + "\n")
    pixels = " ".join(["7"] * 48 * 48)
    rows = [f'{age},1,2,x.jpg,"{pixels}"' for age in range(20, 30)]
    (folder / "pixels.csv").write_text("\n".join(["age,ethnicity,gender,img_name,pixels", *rows]))


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    name = random.choice(("labels.csv", "labels.csv", "splits.csv", "pixels.csv", "labels.json"))
    path = folder / name
    if name == "labels.json":
        rows = [
            dict(zip(("path", "age", "gender"), line.split(","), strict=True))
            for line in (valid / "labels.csv").read_text().splitlines()[1:]
        ]
        value, mutation = mutated_value(rows, random)
        path = path.with_suffix(random.choice((".json", ".jsonl")))
        path.write_bytes(json_text(value, random).encode("utf-8", "surrogatepass"))
    else:
        content, mutation = mutated_text((valid / name).read_text(), random)
        path.write_bytes(content)
    describe_mutation(folder, f"{name}: {mutation}")
    rest = ["--out", folder / "set", "--chip-size", SIZE, "--aligned", "yes", "--quiet"]
    if name == "splits.csv":
        command = ["prepare", valid / "chips", "--split-file", path, *rest]
    elif name == "pixels.csv":
        command = ["prepare", path, *rest]
    else:
        command = ["prepare", valid / "chips", "--labels", path, *rest]
        if random.random() < 0.2:
            role = random.choice(("path", "age", "gender", "x"))
            column = str(random.choice((*NUMBERS, *TEXTS)))[:40].encode("utf-8", "replace")
            command += ["--columns", f"{role}={column.decode()}"]
    return run_command(command, f"{name}: {mutation}")


KIND = Kind(name="tables", set_up=_set_up, run=_run, hang=SLOW)
