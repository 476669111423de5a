from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from utkage.core.errors import WeightsError
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import AGE_BIAS, Weights, rewrite_card, save_weights
from utkage.models.weights_files import load_weights, read_card

Lively = Callable[..., MultiTaskNet]


def test_half_precision_rounds_little_and_keeps_vectors(
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


def test_channels_last_tensors_are_written_contiguously(
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


@pytest.mark.parametrize("half", [False, True])
def test_another_card_keeps_the_tensors(tmp_path: Path, weights: Weights, half: bool) -> None:
    path, out = tmp_path / "model.safetensors", tmp_path / "new" / "other.safetensors"
    save_weights(path, weights, half=half)
    before, tensors = path.read_bytes(), load_file(path)
    # Lengths of one to nine more bytes meet every case of the padding.
    for text in ("x" * length for length in range(1, 10)):
        rewrite_card(path, replace(weights.card, terms=text), out)
        assert read_card(out).terms == text
        found = load_file(out)
        assert found.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert found[name].dtype == tensor.dtype
            assert torch.equal(found[name], tensor)
    assert path.read_bytes() == before
    rewrite_card(path, replace(weights.card, terms="y"), path)
    assert read_card(path).terms == "y"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["model.safetensors", "new"]


def test_only_the_given_vector_changes(tmp_path: Path, weights: Weights) -> None:
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
def test_unknown_vectors_are_refused(tmp_path: Path, weights: Weights, name: str) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(path, weights, half=True)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match=f"holds no float32 '{name}'"):
        rewrite_card(path, weights.card, path, {name: np.zeros(117, np.float32)})
    assert path.read_bytes() == before


def test_files_of_other_programs_get_no_card(tmp_path: Path, weights: Weights) -> None:
    path = tmp_path / "theirs.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(WeightsError, match="not a utkage"):
        rewrite_card(path, weights.card, path)
