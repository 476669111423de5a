"""Headers are read within limits, and tensors have the types, sizes and values they claim."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from utkage.core.errors import WeightsError
from utkage.models.safetensors_file import read_arrays, read_header


def write(path: Path, header: Any, data: bytes = bytes(16), length: int | None = None) -> Path:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(kind: object = "F32", shape: object = (4,), offsets: object = (0, 16)) -> Any:
    return {"x": {"dtype": kind, "shape": shape, "data_offsets": offsets}}


def test_what_another_program_wrote_is_read(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([5], np.int64)}
    save_file(arrays, tmp_path / "x.safetensors", metadata={"k": "v"})
    assert read_header(tmp_path / "x.safetensors")["__metadata__"] == {"k": "v"}
    read = read_arrays(tmp_path / "x.safetensors")
    assert {name: array.tolist() for name, array in read.items()} == {
        "a": [[0, 1, 2], [3, 4, 5]],
        "n": [5],
    }


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("[" * 200_000, "nested deeper"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested deeper"),
        ("[1]", "its header is .1.; it must be an object"),
        ('{"\\ud800": 1}', "lone surrogate"),
        ({"x": 5}, "x is 5; it must be an object"),
        ({"x": {}}, "x.dtype is missing"),
        ({"__metadata__": {"card": 7}}, "__metadata__ that is not text"),
        (entry(kind="BF16", shape=(8,)), 'the type "BF16"; save it as F32 or F16'),
        (entry(kind="F8_E4M3", shape=(16,)), "save it as F32 or F16"),
        (entry(kind=7), "x.dtype is 7"),
        (entry(shape=(5,)), "another shape than its data"),
        (entry(shape=(2**40, 2**40)), "another shape than its data"),
        (entry(shape=(-4,)), "x.shape"),
        (entry(offsets=(0, 99)), "ends before the tensor x does"),
        (entry(offsets=(16, 0)), "another shape than its data"),
        (entry(offsets=(0,)), "x.data_offsets"),
        (entry(offsets="no"), "x.data_offsets"),
    ],
)
def test_headers_that_do_not_fit_are_one_error(header: Any, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", header)
    for read in (read_header, read_arrays):
        with pytest.raises(WeightsError, match=rf"x\.safetensors: .*{reason}"):
            read(path)


def test_a_length_is_checked_before_anything_is_read(tmp_path: Path) -> None:
    for length in (2**63, 2**40, 10_000):
        path = write(tmp_path / "x.safetensors", {}, length=length)
        with pytest.raises(WeightsError, match="its header is longer than the file"):
            read_header(path)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e39])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_values_that_are_not_finite_are_refused(
    value: float, kind: type[np.floating[Any]], tmp_path: Path
) -> None:
    with np.errstate(over="ignore"):
        array = np.array([1.0, value]).astype(kind)
    save_file({"good": np.ones(3, kind), "bad": array}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="the tensor bad holds NaN or infinity"):
        read_arrays(tmp_path / "x.safetensors")
