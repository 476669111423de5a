"""The published VGG-Face, written in every format that people have, reads back the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from utkage.core.errors import UsageError, WeightsError
from utkage.models.seed.published import CONVOLUTIONS, LAYERS, load_vgg_face, read_vgg_face
from utkage.models.seed.vgg_face import BLOCKS, MEAN, VggFace

State = dict[str, Tensor]
# Narrow, with the real structure: 7 x 7 places, as at 224 pixels.
WIDTH = 1 / 64
SIZE = 224


@pytest.fixture(scope="module")
def published() -> State:
    random = torch.Generator().manual_seed(0)
    model = VggFace(SIZE, WIDTH)
    state = {
        name.removeprefix("features."): torch.randn(tensor.shape, generator=random)
        * (0.5 / max(1, tensor[0].numel()) ** 0.5)
        for name, tensor in model.state_dict().items()
    }
    # The descriptor ends in identities, not in one output.
    state["fc8.weight"] = torch.randn((26, state["fc7.bias"].numel()), generator=random)
    state["fc8.bias"] = torch.randn(26, generator=random)
    return state


def kernel_of(state: State, layer: str) -> np.ndarray:
    """(rows, columns, in, out), as MATLAB and Keras keep it."""
    weight = state[f"{layer}.weight"]
    if layer == "fc6":
        weight = weight.reshape(len(weight), -1, 7, 7)
    elif layer.startswith("fc"):
        weight = weight[:, :, None, None]
    return weight.permute(2, 3, 1, 0).numpy()


def bgr(state: State) -> State:
    return {**state, "conv1_1.weight": state["conv1_1.weight"].flip(1)}


def write_torch(state: State, path: Path, prefix: str = "") -> None:
    torch.save({f"{prefix}{name}": tensor for name, tensor in state.items()}, path)


def write_lua(state: State, path: Path) -> None:
    torch.save({k.replace("conv", "conv_"): v for k, v in bgr(state).items()}, path)


def write_safetensors(state: State, path: Path) -> None:
    from safetensors.torch import save_file

    save_file(state, path)


def write_mat(state: State, path: Path, *, older: bool, wrapped: bool) -> None:
    layers = np.empty((1, 2 * len(LAYERS)), dtype=object)
    for index, layer in enumerate(LAYERS):
        both = np.empty((1, 2), dtype=object)
        both[0, 0] = kernel_of(state, layer)
        both[0, 1] = state[f"{layer}.bias"].numpy()[None]
        filled = {"name": layer, "type": "conv"}
        extra = {"filters": both[0, 0], "biases": both[0, 1]} if older else {"weights": both}
        layers[0, 2 * index] = {**filled, **extra}
        layers[0, 2 * index + 1] = {"name": f"relu{layer}", "type": "relu"}
    content = {"layers": layers, "meta": {"normalization": {"averageImage": np.array(MEAN)}}}
    savemat(path, {"net": content} if wrapped else content)


def write_keras(state: State, path: Path, *, named: bool) -> None:
    state = bgr(state) if named else state
    with h5py.File(path, "w") as file:
        names = []
        for index, layer in enumerate(LAYERS):
            name = layer if named else f"conv2d_{index + 1}"
            names += [name, f"pool_{index}"]
            kernel = kernel_of(state, layer)
            if named and layer.startswith("fc"):
                kernel = kernel.reshape(-1, kernel.shape[3])
            group = file.create_group(name)
            group.create_dataset(f"{name}/kernel:0", data=kernel)
            group.create_dataset(f"{name}/bias:0", data=state[f"{layer}.bias"].numpy())
            group.attrs["weight_names"] = [
                f"{name}/kernel:0".encode(),
                f"{name}/bias:0".encode(),
            ]
            file.create_group(f"pool_{index}").attrs["weight_names"] = []
        file.attrs["layer_names"] = [name.encode() for name in names]


WRITERS: dict[str, tuple[str, Callable[[State, Path], None]]] = {
    "state dict": ("vgg_face_dag.pth", write_torch),
    "prefixed": ("vgg.pt", lambda state, path: write_torch(state, path, "module.features.")),
    "lua": ("VGG_FACE.pth", write_lua),
    "safetensors": ("vgg.safetensors", write_safetensors),
    "mat": ("vgg_face.mat", lambda s, p: write_mat(s, p, older=False, wrapped=True)),
    "older mat": ("vgg_face.mat", lambda s, p: write_mat(s, p, older=True, wrapped=True)),
    "bare mat": ("vgg-face.mat", lambda s, p: write_mat(s, p, older=False, wrapped=False)),
    "keras": ("rcmalli.h5", lambda s, p: write_keras(s, p, named=True)),
    "keras in order": ("vgg_face_weights.h5", lambda s, p: write_keras(s, p, named=False)),
}


@pytest.mark.parametrize("format_", WRITERS)
def test_every_format_reads_back_the_same(format_: str, published: State, tmp_path: Path) -> None:
    name, write = WRITERS[format_]
    write(published, tmp_path / name)
    found = read_vgg_face(tmp_path / name).state
    assert set(found) == set(published)
    for key, tensor in published.items():
        assert torch.equal(found[key], tensor), key


def reference(state: State, rgb: Tensor) -> Tensor:
    """fc7 of the published network, from RGB in 0..255."""
    maps = rgb - torch.tensor(MEAN).view(1, 3, 1, 1)
    names = iter(CONVOLUTIONS)
    for count, _ in BLOCKS:
        for _ in range(count):
            name = next(names)
            maps = F.conv2d(maps, state[f"{name}.weight"], state[f"{name}.bias"], padding=1).relu()
        maps = F.max_pool2d(maps, 2)
    hidden = F.linear(maps.flatten(1), state["fc6.weight"], state["fc6.bias"]).relu()
    return F.linear(hidden, state["fc7.weight"], state["fc7.bias"]).relu()


def test_the_loaded_model_computes_what_the_published_one_does(
    published: State, tmp_path: Path
) -> None:
    write_torch(published, tmp_path / "vgg.pth")
    model = VggFace(SIZE, WIDTH).eval()
    message = load_vgg_face(model, tmp_path / "vgg.pth")
    assert "vgg.pth (torch state dict), without fc8" in message
    rgb = torch.rand((2, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(1)) * 255
    found: list[Tensor] = []
    model.fc8.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    with torch.inference_mode():
        model(rgb)
        expected = reference(published, rgb)
    assert float(expected.std()) > 1e-3
    torch.testing.assert_close(found[0], expected, rtol=1e-3, atol=1e-4)


def test_other_sizes_take_the_convolutions(published: State, tmp_path: Path) -> None:
    write_torch(published, tmp_path / "vgg.pth")
    torch.manual_seed(0)
    model = VggFace(64, WIDTH)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert "without fc6 to fc8" in load_vgg_face(model, tmp_path / "vgg.pth")
    after = model.state_dict()
    assert torch.equal(after["features.conv5_3.weight"], published["conv5_3.weight"])
    for name in ("fc6.weight", "fc7.weight", "fc8.bias"):
        assert torch.equal(after[name], before[name])


def test_another_width_is_refused_with_both_shapes(published: State, tmp_path: Path) -> None:
    write_torch(published, tmp_path / "vgg.pth")
    with pytest.raises(
        WeightsError, match=r"conv1_1.weight is \(1, 3.*model's is \(2, 3.*`gender_width=1`"
    ):
        load_vgg_face(VggFace(SIZE, 2 * WIDTH), tmp_path / "vgg.pth")


def test_missing_layers_and_infinite_values_are_refused(published: State, tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    write_torch({k: v for k, v in published.items() if k != "conv3_2.bias"}, path)
    with pytest.raises(WeightsError, match=r"has no conv3_2\.bias"):
        read_vgg_face(path)
    write_torch({**published, "fc7.bias": published["fc7.bias"] / 0}, path)
    with pytest.raises(WeightsError, match=r"fc7\.bias holds NaN or infinity"):
        read_vgg_face(path)
    torch.save(VggFace(64, WIDTH), path)
    with pytest.raises(WeightsError, match="more than tensors"):
        read_vgg_face(path)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="holds a list"):
        read_vgg_face(path)


@pytest.mark.parametrize("name", ["a.pth", "a.mat", "a.h5", "a.safetensors"])
def test_damaged_files_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"MATLAB 5.0 MAT-file" + bytes(100))
    with pytest.raises(WeightsError, match=r"a\..*(damaged|not a safetensors file)"):
        read_vgg_face(tmp_path / name)


def test_missing_files_and_unknown_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_vgg_face(tmp_path / "a.pth")
    (tmp_path / "a.caffemodel").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"are \.pth, .*not \.caffemodel"):
        read_vgg_face(tmp_path / "a.caffemodel")


def test_files_of_another_structure_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": np.ones(3)})
    with pytest.raises(WeightsError, match=r"not a MATLAB file with net\.layers"):
        read_vgg_face(tmp_path / "a.mat")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names"] = []
    with pytest.raises(WeightsError, match="0 layers with weights; VGG-Face has 16"):
        read_vgg_face(tmp_path / "a.h5")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"needs h5py: pip install 'utkage\[vgg-face\]'"):
        read_vgg_face(tmp_path / "a.h5")
