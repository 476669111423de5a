"""Write ``files/``: what utkage wrote at commit 78146b0 (0.1.0), for later versions to open.

    git archive 78146b0 | tar -x -C former
    PYTHONPATH=former/src:former/tools:former/tests python make_files.py former OUT

The files in the repository were made with exactly that commit, before its modules moved; made
anew with later code they would prove nothing. Everything is drawn or comes from ``examples``:
there is no picture of a data set among them.

Networks have millions of values, which are not worth their room in a repository. So the values of
each large matrix are replaced by its first ones, again and again, those of vectors are rounded,
and the files are packed: names, shapes, types and everything around the tensors stay as they were
written. Recorded predictions were made with these very files, and where a stopped run
ends was found by going on from them.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make_clip import write_clip
from make_demo_set import make_demo_set
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from warm_process import run_utkage

import utkage
from utkage import seed
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import IMAGENET_MEAN, IMAGENET_STD, Backbone, with_backbone
from utkage.models.weights import Weights, load_weights, save_weights

# A prime that divides no side of a tensor, so that no two of its rows are the same.
PERIOD = 61

MULTITASK = (
    *("--backbone", "mobilenet_v3_small", "--init", "calibrated.safetensors", "--sizes", "32"),
    *("--set", "teachers=AgeGenderWeights.pt"),
)
SEED = (*("--system", "seed", "--sizes", "32", "--gender-width", "0.04"),)
SCHEDULE = (
    *("--epochs", "2", "--batch-size", "4", "--device", "cpu"),
    *("--set", "checkpoint_steps=1", "--set", "ema_decay=0.5"),
)

# Dies at the start of the sixth checkpoint: in the second epoch, with the fifth on disk.
STOPPED = """
import os, signal, sys
import torch

whole = torch.save

def until_the_sixth(value, file):
    if value["step"] == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(value, file)

torch.save = until_the_sixth
from utkage.cli.app import main
sys.exit(main())
"""


def main() -> None:
    """Make everything."""
    former, out = (Path(word).resolve() for word in sys.argv[1:])
    work = out.parent / f"{out.name}-work"
    for folder in (out, work):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for step in (sets, weights, runs, recipes, evaluations, exported, rows, infos):
        print(step.__name__, flush=True)
        step(former, work, out)
    shutil.rmtree(work)


def sets(former: Path, work: Path, out: Path) -> None:
    """Two prepared sets: drawn faces; and two sources with copies, contradictions and losses."""
    make_demo_set(former / "examples" / "faces", work / "faces", 36, 0)
    make_demo_set(former / "examples" / "faces", work / "many", 120, 1)
    split = ("--val", "0.2", "--test", "0.2", "--near-distance", "-1", "--chip-size", "32")
    utk(work, "prepare", "faces", *split, "--out", "sets/faces")
    draw_sources(work)
    sources = (
        "grammar",
        "table",
        "--aligned",
        "yes",
        "--chip-size",
        "32",
        "--val",
        "0.2",
        "--test",
        "0.2",
    )
    utk(work, "prepare", *sources, "--out", "sets/two_sources")
    shutil.copytree(work / "sets", out / "sets", ignore=shutil.ignore_patterns("*.html", ".lock"))


def draw_sources(work: Path) -> None:
    """``grammar``, named by the grammar of file names, and ``table``, with a ``labels.csv``."""
    random = np.random.default_rng(0)

    def picture(path: Path) -> Image.Image:
        """Smooth colours, no two alike."""
        small = random.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        drawn = Image.fromarray(small).resize((48, 48), Image.Resampling.BICUBIC)
        path.parent.mkdir(exist_ok=True)
        drawn.save(path)
        return drawn

    for index in range(12):
        age, gender, race = 5 + 7 * index, index % 2, index % 5
        picture(work / "grammar" / f"{age}_{gender}_{race}_2017010{index:02d}.png")
    drawn = picture(work / "grammar" / "30_1_2_201702.png")
    drawn.save(work / "grammar" / "31_1_2_201703.jpg", quality=95)  # a near-copy that agrees
    drawn = picture(work / "grammar" / "40_0_1_201702.png")
    drawn.save(work / "grammar" / "61_1_1_201704.png")  # the same pixels, contradicting
    (work / "grammar" / "25_0_3_201705.png").write_bytes(b"no picture")
    (work / "grammar" / "old_0_3_201706.png").write_bytes(b"no label")
    lines = ["path,age,gender,race,split"]
    for index in range(10):
        picture(work / "table" / f"{index}.png")
        part = ("train", "val", "test", "")[index % 4]
        lines.append(f"{index}.png,{20 + 5 * index},{'mf'[index % 2]},,{part}")
    (work / "table" / "labels.csv").write_text("\n".join(lines) + "\n")


def weights(former: Path, work: Path, out: Path) -> None:
    """Weights with a card and a calibration, and those of the seed system's own call."""
    arguments = ("--data", "sets/faces", "--run", "first", "--backbone", "mobilenet_v3_small")
    utk(work, "train", *arguments, "--init", "scratch", "--sizes", "32", *SCHEDULE, "--epochs", "1")
    enliven(work / "first" / "best.safetensors", work / "sets" / "faces")
    calibrate = ("--calibrate", "--data", "many", "--out-weights", "calibrated.safetensors")
    utk(work, "evaluate", "--weights", "first/best.safetensors", *calibrate, "--device", "cpu")

    torch.manual_seed(0)
    models = seed.VggFace(size=32, width=0.04), seed.AgeRangeNet(), seed.AgeEstimationNet()
    # As they come, all faces get nearly the same prediction.
    nn.init.normal_(models[0].fc8.weight)
    nn.init.normal_(models[2].regressor[2].weight, 0, 0.2)
    faces = seed.UTKFaceDataset(str(work / "faces"), transform=resized)
    path = work / "AgeGenderWeights.pt"
    seed.train(*models, DataLoader(faces, batch_size=8), "cpu", None, 1, 0.2, path)
    rewrite_torch(path)
    names = ("calibrated.safetensors", "AgeGenderWeights.pt")
    pack(out / "weights.zip", work, [work / name for name in names])


def enliven(path: Path, data: Path) -> None:
    """Let predictions differ from face to face, which those of a hardly trained network do not."""
    loaded = load_weights(path)
    network = MultiTaskNet(loaded.card.backbone)
    network.load_state_dict({name: repeated(value) for name, value in loaded.state.items()})
    torch.manual_seed(0)
    for head in (network.hidden, network.age, network.gender):
        head.weight.data = repeated(torch.randn_like(head.weight) * 0.1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    chips = torch.from_numpy(np.array(utkage.ChipStore.open(data).pixels()))
    with torch.no_grad():
        network.train()(chips.permute(0, 3, 1, 2).float())
    state = {name: repeated(value) for name, value in network.state_dict().items()}
    save_weights(path, Weights(loaded.card, state, loaded.fingerprints))


def resized(picture: Image.Image) -> Tensor:
    """A picture of 32 pixels as the loader of the seed system's call gives it."""
    small = picture.convert("RGB").resize((32, 32))
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)


def runs(former: Path, work: Path, out: Path) -> None:
    """A run of each system that was killed in its second epoch, and where it ends; a whole one."""
    for system, arguments in (("multitask", MULTITASK), ("seed", SEED)):
        stopped = f"runs/stopped-{system}"
        command = ("train", "--data", "sets/faces", *arguments, *SCHEDULE, "--run")
        died = run_utkage(work, *command, stopped, code=STOPPED)
        assert died.returncode == -9, died.stderr
        tidy(work / stopped)
        repeat_values(work / stopped)
        whole = f"runs/finished-{system}"
        shutil.copytree(work / stopped, work / whole)
        utk(work, *command, whole)
        shutil.copy(work / whole / "metrics.jsonl", out / f"stopped-{system}.end.jsonl")
        (out / f"stopped-{system}.command.json").write_text(json.dumps([*command, stopped]) + "\n")
        tidy(work / whole)
        repeat_values(work / whole)
    shutil.rmtree(work / "runs" / "finished-multitask")
    pack(out / "runs.zip", work, sorted((work / "runs").rglob("*")))
    listed = utk(work, "runs", "runs", "--json")
    (out / "runs.json").write_text(listed)


def tidy(run: Path) -> None:
    """Leave out pictures, the empty lock, and the checkpoint that was begun."""
    for pattern in ("*.png", ".lock", ".*partial*"):
        for path in run.glob(pattern):
            path.unlink()


def recipes(former: Path, work: Path, out: Path) -> None:
    """Every setting of both systems, and the recipes that ship."""
    folder = out / "recipes"
    folder.mkdir()
    changed = ("--set", "warmup=0.1", "--set", "augmentation.flip=0.25", "--sizes", "48,64")
    for name, arguments in {
        "multitask-every-setting": changed,
        "seed-every-setting": ("--system", "seed", "--range-feed", "decay", "--sizes", "32"),
    }.items():
        text = utk(work, "train", *arguments, "--device", "cpu", "--print-config")
        (folder / f"{name}.toml").write_text(text)
    for recipe in json.loads(utk(work, "recipes", "--json")):
        (folder / f"{recipe['name']}.toml").write_text(utk(work, "recipes", recipe["name"]))


def evaluations(former: Path, work: Path, out: Path) -> None:
    """Metrics, the table of predictions, and a table as other programs write it."""
    folder = out / "evaluation"
    arguments = ("--data", "sets/faces", "--split", "all", "--allow-seen", "--allow-suspicious")
    options = ("--resamples", "100", "--device", "cpu", "--threshold", "18")
    chosen = ("--weights", "calibrated.safetensors", "--out", "evaluation")
    utk(work, "evaluate", *arguments, *options, *chosen)
    folder.mkdir()
    for name in ("metrics.json", "predictions.csv"):
        shutil.copy(work / "evaluation" / name, folder / name)
    with (folder / "predictions.csv").open(newline="") as file:
        predictions = list(csv.DictReader(file))
    lines = [f"{row['file']},{row['predicted_age']},{row['p_female']}" for row in predictions]
    (folder / "theirs.csv").write_text("\n".join(["file,age,p_female", *lines]) + "\n")


def three_convolutions() -> nn.Module:
    """A backbone small enough that an exported file is small."""
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 5, 2), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Conv2d(4, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU()),
        *(nn.Conv2d(6, 8, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def exported(former: Path, work: Path, out: Path) -> None:
    """An ONNX file with what was measured of it."""
    own = Backbone(
        name="own",
        build=three_convolutions,
        features=8,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        source="made for a test",
    )
    config = utkage.TrainConfig(
        epochs=2, batch_size=8, sizes=(32,), backbone="own", init="scratch", learning_rate=0.01
    )
    with within(work), with_backbone(own):
        run = Path("own")
        request = utkage.TrainRequest(Path("sets/faces"), run, "cpu", config, "utkage train")
        utkage.train(request)
        enliven(run / "best.safetensors", Path("sets/faces"))
        best = str(run / "best.safetensors")
        utkage.export(utkage.ExportRequest(weights=best, out=Path("small.onnx")))
    pack(out / "onnx.zip", work, [work / "small.onnx", work / "small.parity.json"])
    utk(
        work,
        *("evaluate", "--weights", "small.onnx", "--data", "sets/faces", "--split", "all"),
        *("--allow-seen", "--allow-suspicious", "--resamples", "100", "--out", "small"),
    )
    shutil.copy(work / "small" / "metrics.json", out / "onnx.metrics.json")


def rows(former: Path, work: Path, out: Path) -> None:
    """Rows of ``predict`` in all forms, whole and unfinished, of pictures and of a video."""
    folder = out / "rows"
    folder.mkdir()
    examples = [f"examples/{path.name}" for path in sorted((former / "examples").glob("*.jpg"))]
    shipped = ("--weights", "shipped", "--device", "cpu", "--threshold", "21")
    for form in ("json", "jsonl", "csv", "parquet"):
        utk(former, "predict", *examples, *shipped, "--out", folder / f"examples.{form}")
    # Stopped in the middle of a line, between the faces of a picture.
    lines = (folder / "examples.jsonl").read_text().splitlines(keepends=True)
    assert json.loads(lines[1])["file"] == "examples/couple.jpg"
    (folder / "unfinished.jsonl").write_text("".join(lines[:3]) + lines[3][:40])
    chips = sorted(path.name for path in (work / "faces").iterdir())[::9]
    (folder / "chips").mkdir()
    for name in chips:
        picture = Image.open(work / "faces" / name).resize((32, 32))
        picture.save(folder / "chips" / f"{name.removesuffix('.jpg')}.png")
    shutil.copytree(folder / "chips", work / "chips")
    for name in ("calibrated.safetensors", "AgeGenderWeights.pt", "small.onnx"):
        chosen = ("--weights", name, "--crop", "none", "--device", "cpu", "--json")
        text = utk(work, "predict", "chips", *chosen)
        (folder / f"{Path(name).stem}.json").write_text(text)
    still = utkage.load_image(former / "examples" / "portrait.jpg")
    write_clip(folder / "clip.mp4", still, 6, side=160)
    shutil.copy(folder / "clip.mp4", work)
    text = utk(work, "predict", "clip.mp4", *shipped, "--every", "3", "--no-show", "--json")
    (folder / "clip.json").write_text(text)


def infos(former: Path, work: Path, out: Path) -> None:
    """What ``info`` says."""
    folder = out / "info"
    folder.mkdir()
    for name, target in {
        "faces": "sets/faces",
        "two_sources": "sets/two_sources",
        "calibrated": "calibrated.safetensors",
        "AgeGenderWeights": "AgeGenderWeights.pt",
        "finished-seed": "runs/finished-seed",
    }.items():
        (folder / f"{name}.json").write_text(utk(work, "info", target, "--json"))


def utk(folder: Path, *arguments: object) -> str:
    """What a command prints; it has to succeed."""
    done = run_utkage(folder, *arguments)
    assert done.returncode == 0, f"{arguments}\n{done.stderr}"
    return done.stdout


@contextmanager
def within(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    import os

    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def repeat_values(folder: Path) -> None:
    """Do so in all weights and checkpoints of a run."""
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            tensors = {name: repeated(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            about = file.metadata()
        # The predictions of a teacher belong to faces, not to a network.
        if not path.name.startswith("teacher-"):
            save_file(tensors, path, metadata=about)
    for path in folder.glob("checkpoint-*.pt"):
        rewrite_torch(path)


def rewrite_torch(path: Path) -> None:
    """Do so in a file of torch."""
    value = torch.load(path, map_location="cpu", weights_only=True)
    torch.save(mapped(value, repeated), path)


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same, with every tensor inside changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return type(value)((key, mapped(part, change)) for key, part in value.items())
    if isinstance(value, list | tuple):
        return type(value)(mapped(part, change) for part in value)
    return value


def repeated(tensor: Tensor) -> Tensor:
    """A matrix: its first values again and again; a vector: rounded. Whole numbers stay."""
    if not tensor.is_floating_point() or tensor.numel() <= PERIOD:
        return tensor
    if tensor.dim() < 2:
        return tensor.bfloat16().float()
    places = torch.arange(tensor.numel()) % PERIOD
    return tensor.flatten()[places].view_as(tensor).contiguous()


def pack(archive: Path, root: Path, paths: list[Path]) -> None:
    """Put files into an archive, by their names below ``root``."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as file:
        for path in paths:
            if path.is_file():
                file.write(path, path.relative_to(root))


if __name__ == "__main__":
    main()
