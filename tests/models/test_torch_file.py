"""Files of torch hold tensors and plain values, and nothing that is larger than the file."""

from __future__ import annotations

import math
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from utkage.core.errors import WeightsError
from utkage.models.torch_file import load_tensors, load_torch_file, plain_tensors


def saved(value: Any, path: Path) -> Path:
    torch.save(value, path)
    return path


def test_plain_values_come_back(tmp_path: Path) -> None:
    value = {"a": torch.ones(2), "b": [1, "x", None, {"c": 2.5}]}
    found = load_torch_file(saved(value, tmp_path / "x.pt"))
    assert torch.equal(found["a"], value["a"])
    assert found["b"] == value["b"]


def test_the_suffix_decides_between_both_formats(tmp_path: Path) -> None:
    state = {"a": torch.arange(3.0)}
    torch.save(state, tmp_path / "a.pt")
    save_file(state, tmp_path / "a.SafeTensors")
    for name in ("a.pt", "a.SafeTensors"):
        assert torch.equal(load_tensors(tmp_path / name)["a"], state["a"])


def test_objects_that_are_no_tensors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="damaged, or contains more than tensors"):
        load_torch_file(saved({"a": Fraction(1, 2)}, tmp_path / "object.pt"))


@pytest.mark.parametrize("content", [b"", b"PK damaged", b"\x80\x05K\x01.", b"x" * 1000])
def test_other_content_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"x\.pt: damaged, or contains more than tensors"):
        load_torch_file(tmp_path / "x.pt")


def test_a_packed_archive_and_deep_nesting_are_refused(tmp_path: Path) -> None:
    path = saved({"a": torch.zeros(10_000_000)}, tmp_path / "x.pt")
    with (
        zipfile.ZipFile(path) as plain,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert (tmp_path / "bomb.pt").stat().st_size < 100_000
    with pytest.raises(WeightsError, match="damaged, or contains more"):
        load_torch_file(tmp_path / "bomb.pt")
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(WeightsError, match="nested deeper than 32 levels"):
        load_torch_file(saved(deep, path))


def test_floating_point_tensors_become_float32() -> None:
    state = {
        "half": torch.ones(2, dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "count": torch.tensor(3),
    }
    found = plain_tensors(state, "x")
    assert found["half"].dtype == found["parameter"].dtype == torch.float32
    assert not found["parameter"].requires_grad
    assert found["count"].dtype == torch.int64


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([torch.ones(1)], "holds a list; pass a state dict"),
        (None, "holds a NoneType"),
        ({3: torch.ones(1)}, "3 is a Tensor; a state dict has"),
        ({"a": 3.5}, "'a' is a float"),
        ({"a": torch.eye(2).to_sparse()}, "the tensor a is not an ordinary tensor"),
        ({"a": torch.ones(1, device="meta")}, "the tensor a is not an ordinary tensor"),
        (
            {"a": torch.ones(1, dtype=torch.complex64)},
            "the tensor a is torch.complex64; save",
        ),
        ({"a": torch.zeros(1).expand(10**12)}, "the tensor a repeats stored values"),
        ({"a": torch.tensor([1.0, math.nan])}, "the tensor a holds NaN or infinity"),
        ({"a": torch.tensor([1e300], dtype=torch.float64)}, "the tensor a holds NaN or infinity"),
        ({"\ud800": torch.tensor([math.inf])}, r"the tensor \\ud800 holds NaN"),
    ],
)
def test_what_is_no_state_is_named(value: Any, reason: str) -> None:
    with pytest.raises(WeightsError, match=f"^my.pt: {reason}"):
        plain_tensors(value, "my.pt")
