from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from tools.release.faceres import faceres_state, read_graph_model
from utkage.core.errors import WeightsError
from utkage.models.faceres import looks_like_faceres
from utkage.models.mobilenet_v1 import BLOCKS

Arrays = dict[str, NDArray[Any]]


@pytest.fixture
def arrays() -> Arrays:
    """Made-up weights under the package's names, every layer with two channels."""
    random = np.random.default_rng(0)

    def made(*shape: int) -> NDArray[np.float32]:
        return random.normal(size=shape).astype(np.float16).astype(np.float32)

    found: Arrays = {
        "conv1/convolution/merged_input": made(3, 3, 3, 2),
        "conv1_bn/batchnorm_1/sub": made(2),
        "conv1_relu/Cast": np.float32(6).reshape(()),
        "global_pooling/Mean/reduction_indices": np.array([1, 2], np.int32),
    }
    for index in range(1, len(BLOCKS) + 1):
        found[f"conv_dw_{index}/depthwise_kernel"] = made(3, 3, 2, 1)
        found[f"conv_dw_{index}_bn/batchnorm_1/mul"] = made(2)
        found[f"conv_dw_{index}_bn/batchnorm_1/sub"] = made(2)
        found[f"conv_pw_{index}/convolution/merged_input"] = made(1, 1, 2, 2)
        found[f"conv_pw_{index}_bn/batchnorm_1/sub"] = made(2)
    for name, outputs in (("feats", 4), ("age_pred", 5), ("gender_pred", 1)):
        found[f"{name}/kernel"] = made(2 if name == "feats" else 4, outputs)
        found[f"{name}/bias"] = made(outputs)
    return found


def write_model(folder: Path, arrays: Arrays, *, half: bool = False, files: int = 1) -> Path:
    """A graph model as TensorFlow.js stores it, its bytes cut into so many files."""
    entries, content = [], b""
    for name, array in arrays.items():
        entry: dict[str, Any] = {
            "name": name,
            "shape": list(array.shape),
            "dtype": str(array.dtype),
        }
        if half and array.dtype == np.float32:
            entry["quantization"] = {"dtype": "float16"}
            content += array.astype("<f2").tobytes()
        else:
            content += array.tobytes()
        entries.append(entry)
    cuts = np.linspace(0, len(content), files + 1).astype(int)
    paths = []
    for number, (start, end) in enumerate(pairwise(cuts)):
        paths.append(f"model-{number}.bin")
        (folder / paths[-1]).write_bytes(content[start:end])
    model = folder / "model.json"
    model.write_text(json.dumps({"weightsManifest": [{"paths": paths, "weights": entries}]}))
    return model


@pytest.mark.parametrize("half", [False, True])
def test_weights_are_read_as_they_were_stored(tmp_path: Path, arrays: Arrays, half: bool) -> None:
    found = read_graph_model(write_model(tmp_path, arrays, half=half, files=3))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].tolist() == array.tolist()


def test_a_convolution_answers_as_its_tensorflow_layout_says(arrays: Arrays) -> None:
    bgr = np.random.default_rng(1).normal(size=(3, 3, 3)).astype(np.float32)
    kernel = arrays["conv1/convolution/merged_input"]
    expected = np.einsum("hwi,hwio->o", bgr, kernel) + arrays["conv1_bn/batchnorm_1/sub"]
    state = faceres_state(arrays)
    rgb = np.ascontiguousarray(bgr[..., ::-1].transpose(2, 0, 1))
    output = F.conv2d(
        torch.from_numpy(rgb)[None], state["conv1.weight"].float(), state["conv1.bias"].float()
    )
    assert output.flatten().tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_depthwise_scale_is_multiplied_in(arrays: Arrays) -> None:
    picture = np.random.default_rng(1).normal(size=(3, 3, 2)).astype(np.float32)
    plain = np.einsum("hwc,hwc->c", picture, arrays["conv_dw_5/depthwise_kernel"][..., 0])
    expected = (
        plain * arrays["conv_dw_5_bn/batchnorm_1/mul"] + arrays["conv_dw_5_bn/batchnorm_1/sub"]
    )
    state = faceres_state(arrays)
    image = torch.from_numpy(picture.transpose(2, 0, 1))[None]
    weight, bias = state["conv_dw_5.weight"].float(), state["conv_dw_5.bias"].float()
    output = F.conv2d(image, weight, bias, groups=2)
    # The products are rounded to float16.
    assert output.flatten().tolist() == pytest.approx(expected.tolist(), rel=5e-3, abs=5e-3)


def test_a_dense_layer_is_turned(arrays: Arrays) -> None:
    state = faceres_state(arrays)
    assert state["age.weight"].tolist() == arrays["age_pred/kernel"].T.tolist()
    assert state["gender.weight"].shape == (1, 4)


def test_the_command_writes_what_training_starts_from(
    tmp_path: Path, arrays: Arrays, repository: Path
) -> None:
    out = tmp_path / "faceres.safetensors"
    model = write_model(tmp_path, arrays, half=True)
    command = [sys.executable, "-m", "tools.release", "import-faceres", str(model), str(out)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    state = load_file(out)
    assert looks_like_faceres(state)
    assert done.stdout.startswith(f"{out}: {len(state)} tensors")


def test_bytes_that_end_early_are_an_error(tmp_path: Path, arrays: Arrays) -> None:
    model = write_model(tmp_path, arrays)
    content = (tmp_path / "model-0.bin").read_bytes()
    (tmp_path / "model-0.bin").write_bytes(content[:-1])
    with pytest.raises(WeightsError, match="the bytes end inside 'gender_pred/bias'"):
        read_graph_model(model)
    (tmp_path / "model-0.bin").write_bytes(content + b"12")
    with pytest.raises(WeightsError, match="2 bytes belong to no weight"):
        read_graph_model(model)


def test_what_is_no_graph_model_is_an_error(tmp_path: Path, arrays: Arrays) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(WeightsError, match=r"not a TensorFlow\.js graph model"):
        read_graph_model(other)
    model = write_model(tmp_path, arrays)
    (tmp_path / "model-0.bin").unlink()
    with pytest.raises(WeightsError, match="its weights are not beside it"):
        read_graph_model(model)


def test_another_network_is_an_error(arrays: Arrays) -> None:
    del arrays["conv_pw_13_bn/batchnorm_1/sub"]
    with pytest.raises(WeightsError, match="not faceres-deep"):
        faceres_state(arrays)
