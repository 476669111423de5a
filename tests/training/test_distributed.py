"""Shares of batches, and what processes tell each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed

from utkage.training.distributed import Group, local_device, process_group


@given(st.integers(1, 40), st.integers(1, 8))
def test_shares_are_the_batch(count: int, size: int) -> None:
    chosen = np.random.default_rng(count).permutation(100)[:count]
    shares = [Group(rank, size).share(chosen) for rank in range(size)]
    assert sorted(np.concatenate(shares).tolist()) == sorted(chosen.tolist())
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_process_needs_no_group() -> None:
    with process_group(torch.device("cpu")) as group:
        assert (group.rank, group.size, group.is_first) == (0, 1, True)
        assert group.total(2.5) == 2.5
        assert group.any(True)
        assert not group.any(False)
        assert group.from_first("x") == "x"
        assert not distributed.is_initialized()


def test_each_process_takes_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    assert local_device(cuda) == cuda
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "5"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert local_device(cuda) == torch.device("cuda", 1)
    assert local_device(torch.device("cuda", 3)) == torch.device("cuda", 3)
    assert local_device(torch.device("cpu")) == torch.device("cpu")
