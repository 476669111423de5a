import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from utkage.core.errors import UsageError, WeightsError
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights
from utkage.models.weights_files import LoadedWeights, load_weights, read_card

Lively = Callable[..., MultiTaskNet]


def with_header(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def test_single_precision_comes_back_exactly(saved: Path, weights: Weights) -> None:
    found = load_weights(saved)
    assert found.card == weights.card
    assert found.state.keys() == weights.state.keys()
    for name, tensor in weights.state.items():
        assert found.state[name].dtype == tensor.dtype
        assert torch.equal(found.state[name], tensor), name
    assert found.fingerprints.dtype == torch.int32
    assert found.fingerprints.tolist() == [-5, 0, 7]


def test_the_card_is_read_without_torch(saved: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from utkage.models.weights_files import read_card; "
        "card = read_card(Path(sys.argv[1])); print(card.backbone); "
        "bad = {'torch', 'torchvision', 'cv2', 'onnxruntime'} & set(sys.modules); "
        "sys.exit(f'imported {bad}' if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(saved)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "mobilenet_v3_small\n"), done.stderr


def test_missing_files_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.safetensors", tmp_path):
        for reader in (read_card, load_weights):
            with pytest.raises(UsageError, match="no such weights file"):
                reader(path)


def text_file(path: Path) -> None:
    path.write_text("weights? what weights?\n" * 20)


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def foreign_file(path: Path) -> None:
    save_file({"x": torch.zeros(3)}, path, metadata={"format": "pt"})


def bare_file(path: Path) -> None:
    save_file({"x": torch.zeros(3)}, path)


def pickle_file(path: Path) -> None:
    torch.save({"x": torch.zeros(3)}, path)


def damaged_card(path: Path) -> None:
    save_file({"x": torch.zeros(3)}, path, metadata={"card": "{half"})


def list_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2) + b"[]")


def null_metadata(path: Path) -> None:
    with_header(path, lambda header: header.update(__metadata__=None))


def number_metadata(path: Path) -> None:
    with_header(path, lambda header: header.update(__metadata__=5))


def newer(path: Path) -> None:
    def raise_version(header: dict[str, Any]) -> None:
        card = json.loads(header["__metadata__"]["card"])
        header["__metadata__"]["card"] = json.dumps({**card, "version": 7})

    with_header(path, raise_version)


def cut_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (text_file, "not a safetensors file"),
        (empty_file, "not a safetensors file"),
        (pickle_file, "not a safetensors file"),
        (list_header, "not a safetensors file"),
        (cut_header, "not a safetensors file"),
        (foreign_file, "not a utkage"),
        (bare_file, "not a utkage"),
        (null_metadata, "not a utkage|not a safetensors|must be an object"),
        (number_metadata, "not a utkage|not a safetensors|must be an object"),
        (damaged_card, "its card is damaged"),
        (newer, "card version 7, this utkage reads 1"),
    ],
)
def test_other_files_are_refused(saved: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(saved)
    for reader in (read_card, load_weights):
        with pytest.raises(WeightsError, match=rf"model\.safetensors: .*({message})"):
            reader(saved)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_truncated_tensors_are_refused(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    for read in (read_card, load_weights):
        with pytest.raises(WeightsError, match=r"model\.safetensors: damaged.*it ends before"):
            read(saved)


def test_parts_are_read_once(saved: Path) -> None:
    loaded = LoadedWeights(saved)
    assert loaded.card is loaded.card
    assert loaded.content is loaded.content
    # Everything that was read stays available without the file.
    saved.unlink()
    assert loaded.fingerprints.tolist() == [-5, 0, 7]
    assert loaded.arrays.keys() < loaded.content.state.keys()
    with pytest.raises(UsageError, match="no such weights file"):
        _ = LoadedWeights(saved).card


def test_the_hash_is_that_of_the_content(saved: Path, tmp_path: Path) -> None:
    first = LoadedWeights(saved).file_hash
    moved = saved.rename(tmp_path / "moved.safetensors")
    assert LoadedWeights(moved).file_hash == first
    assert len(first) == 16
