"""Shares of batches, and batch norm over all processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed, multiprocessing, nn

from utkage.training.distributed import Group, local_device, process_group
from utkage.training.synchronised_batch_norm import SynchronisedBatchNorm2d, synchronise_batch_norms


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


def _images() -> torch.Tensor:
    return torch.randn((6, 3, 5, 4), generator=torch.Generator().manual_seed(0)) * 3 + 1


def _network() -> nn.Sequential:
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(3, momentum=0.3)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    return nn.Sequential(nn.Conv2d(3, 3, 3), norm, nn.Conv2d(3, 2, 1))


def _train_share(rank: int, folder: str) -> None:
    distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2)
    network = _network()
    synchronise_batch_norms(network, torch.device("cpu"))
    assert isinstance(network[1], SynchronisedBatchNorm2d)
    # Shares of different size: 4 and 2 images.
    mine = _images()[:4] if rank == 0 else _images()[4:]
    network(mine).square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    for gradient in gradients:
        distributed.all_reduce(gradient)
    torch.save([gradients, network.state_dict()], f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_global_norm_is_the_norm_of_the_whole_batch(tmp_path: Path) -> None:
    multiprocessing.spawn(_train_share, (str(tmp_path),), nprocs=2)  # type: ignore[no-untyped-call]
    network = _network()
    network(_images()).square().sum().backward()
    for rank in (0, 1):
        gradients, state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for parameter, found in zip(network.parameters(), gradients, strict=True):
            assert parameter.grad is not None
            torch.testing.assert_close(found, parameter.grad, rtol=1e-4, atol=1e-4)
        assert state.keys() == network.state_dict().keys()
        for name, value in network.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=1e-5, atol=1e-6)


def test_global_norm_in_evaluation_is_the_ordinary_one() -> None:
    norm = SynchronisedBatchNorm2d(3).eval()
    torch.testing.assert_close(norm(_images()), nn.BatchNorm2d(3).eval()(_images()))
