from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from utkage.core.errors import WeightsError
from utkage.models.seed.torch_files import load_tensors


def test_both_formats(tmp_path: Path) -> None:
    state = {"a": torch.arange(3.0)}
    torch.save(state, tmp_path / "a.pt")
    save_file(state, tmp_path / "a.SafeTensors")
    for name in ("a.pt", "a.SafeTensors"):
        assert torch.equal(load_tensors(tmp_path / name)["a"], state["a"])


def test_damage_and_objects_that_are_no_tensors_are_refused(tmp_path: Path) -> None:
    torch.save({"a": Fraction(1, 2)}, tmp_path / "object.pt")
    (tmp_path / "damaged.pt").write_bytes(b"no weights")
    (tmp_path / "damaged.safetensors").write_bytes(b"no weights")
    for path in tmp_path.iterdir():
        with pytest.raises(WeightsError, match="damaged, or contains more than tensors"):
            load_tensors(path)
