import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from utkage.core.errors import UsageError, UtkageError, WeightsError
from utkage.models.card import Card
from utkage.models.multitask import MultiTaskNet
from utkage.models.safetensors_file import rewrite_card, save_weights
from utkage.models.systems import build_multitask
from utkage.models.weights import AGE_BIAS, Weights
from utkage.models.weights_files import load_weights, read_card

Lively = Callable[..., MultiTaskNet]


@pytest.fixture
def weights(card: Card, lively_network: Lively) -> Weights:
    prints = torch.tensor([-5, 0, 7], dtype=torch.int32)
    return Weights(card, lively_network().state_dict(), prints)


@pytest.fixture
def saved(tmp_path: Path, weights: Weights) -> Path:
    path = tmp_path / "model.safetensors"
    save_weights(path, weights)
    return path


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


def test_half_precision_loses_little_and_no_vector(
    tmp_path: Path, saved: Path, weights: Weights
) -> None:
    # Such variances come from the first layers of networks that take 0..255.
    norm = next(name for name in weights.state if name.endswith("running_var"))
    weights.state[norm].fill_(1e6)
    path = tmp_path / "half.safetensors"
    save_weights(path, weights, half=True)
    assert path.stat().st_size < 0.6 * saved.stat().st_size
    found = load_weights(path)
    changed = 0
    for name, tensor in weights.state.items():
        if tensor.dim() < 2:
            assert torch.equal(found.state[name], tensor), name
            continue
        assert found.state[name].dtype == torch.float32
        error = (found.state[name] - tensor).abs()
        # Half of the spacing of float16: 2^-11 relative, 2^-25 near zero.
        assert bool((error <= tensor.abs() * 2**-11 + 2**-25).all()), name
        changed += int((error > 0).sum())
    assert changed > 0


def test_the_network_answers_as_before(saved: Path, lively_network: Lively) -> None:
    network = build_multitask(load_weights(saved), "x")
    assert not network.training
    images = torch.rand(2, 3, 64, 64) * 255
    with torch.inference_mode():
        for first, second in zip(network(images), lively_network()(images), strict=True):
            assert torch.equal(first, second)


def test_channels_last_tensors_are_written_in_their_own_order(
    tmp_path: Path, weights: Weights, lively_network: Lively
) -> None:
    network = lively_network().to(memory_format=torch.channels_last)
    path = tmp_path / "a.safetensors"
    save_weights(path, Weights(weights.card, network.state_dict(), weights.fingerprints))
    for name, tensor in load_weights(path).state.items():
        assert torch.equal(tensor, weights.state[name]), name


def test_a_failed_save_keeps_the_old_file(saved: Path, weights: Weights) -> None:
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        save_weights(saved, replace(weights, card=replace(weights.card, data={"x": object()})))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


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


def test_no_file(tmp_path: Path) -> None:
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
        (foreign_file, "of another program"),
        (bare_file, "of another program"),
        (null_metadata, "program|not a safetensors"),
        (number_metadata, "program|not a safetensors"),
        (damaged_card, "its card is damaged"),
        (newer, "card version 7, this utkage reads 1"),
    ],
)
def test_files_that_are_not_ours(saved: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(saved)
    for reader in (read_card, load_weights):
        with pytest.raises(WeightsError, match=rf"model\.safetensors: .*({message})"):
            reader(saved)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_truncated_tensors(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    assert read_card(saved).system == "multitask"
    with pytest.raises(WeightsError, match=r"model\.safetensors: damaged"):
        load_weights(saved)


def test_weights_of_another_shape(weights: Weights) -> None:
    state = dict(weights.state)
    del state["age.bias"]
    with pytest.raises(WeightsError, match=r"here: tensors do not fit.*age\.bias") as caught:
        build_multitask(replace(weights, state=state), "here")
    assert "\n" not in str(caught.value)
    state = {**weights.state, "age.weight": torch.zeros(5, 256)}
    with pytest.raises(WeightsError, match="do not fit"):
        build_multitask(replace(weights, state=state), "here")


def test_another_system(weights: Weights) -> None:
    other = replace(weights, card=replace(weights.card, system="ensemble"))
    with pytest.raises(WeightsError, match="here: holds a 'ensemble' system"):
        build_multitask(other, "here")


def test_a_backbone_of_a_later_version_names_the_file(weights: Weights) -> None:
    other = replace(weights, card=replace(weights.card, backbone="vit_huge"))
    with pytest.raises(UtkageError, match=r"here.*vit_huge"):
        build_multitask(other, "here")


@pytest.mark.parametrize("half", [False, True])
def test_another_card_leaves_the_tensors_alone(
    tmp_path: Path, weights: Weights, half: bool
) -> None:
    path, out = tmp_path / "model.safetensors", tmp_path / "new" / "other.safetensors"
    save_weights(path, weights, half=half)
    before, tensors = path.read_bytes(), load_file(path)
    # Lengths of one to nine more bytes meet every case of the padding.
    for words in ("x" * length for length in range(1, 10)):
        rewrite_card(path, replace(weights.card, terms=words), out)
        assert read_card(out).terms == words
        found = load_file(out)
        assert found.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert found[name].dtype == tensor.dtype
            assert torch.equal(found[name], tensor)
    assert path.read_bytes() == before
    rewrite_card(path, replace(weights.card, terms="y"), path)
    assert read_card(path).terms == "y"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["model.safetensors", "new"]


def test_a_vector_gets_new_values_and_nothing_else(tmp_path: Path, weights: Weights) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(path, weights, half=True)
    tensors = load_file(path)
    wanted = np.linspace(-1, 1, tensors[AGE_BIAS].numel(), dtype=np.float32)
    rewrite_card(path, weights.card, path, {AGE_BIAS: wanted})
    found = load_file(path)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        expected = torch.from_numpy(wanted) if name == AGE_BIAS else tensor
        assert torch.equal(found[name], expected)


@pytest.mark.parametrize("name", ["age.weight", "age.bais"])
def test_what_is_no_vector_of_the_file_is_refused(
    tmp_path: Path, weights: Weights, name: str
) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(path, weights, half=True)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match=f"holds no float32 '{name}'"):
        rewrite_card(path, weights.card, path, {name: np.zeros(117, np.float32)})
    assert path.read_bytes() == before


def test_no_card_is_put_into_files_of_others(tmp_path: Path, weights: Weights) -> None:
    path = tmp_path / "theirs.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(WeightsError, match="another program"):
        rewrite_card(path, weights.card, path)
