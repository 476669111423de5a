"""Shares of batches, and batch norm over all processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from batch_norm_process import images, network_of, train_share
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed, multiprocessing, nn

from utkage.training.distributed import Group, local_device, process_group
from utkage.training.synchronised_batch_norm import SynchronisedBatchNorm2d


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


def test_synchronised_norm_is_the_norm_of_the_whole_batch(tmp_path: Path) -> None:
    multiprocessing.spawn(train_share, (str(tmp_path),), nprocs=2)  # type: ignore[no-untyped-call]
    network = network_of()
    network(images()).square().sum().backward()
    for rank in (0, 1):
        gradients, state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for parameter, found in zip(network.parameters(), gradients, strict=True):
            assert parameter.grad is not None
            torch.testing.assert_close(found, parameter.grad, rtol=1e-4, atol=1e-4)
        assert state.keys() == network.state_dict().keys()
        for name, value in network.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=1e-5, atol=1e-6)


def test_synchronised_norm_in_evaluation_is_the_ordinary_one() -> None:
    norm = SynchronisedBatchNorm2d(3).eval()
    torch.testing.assert_close(norm(images()), nn.BatchNorm2d(3).eval()(images()))
