"""Batch norm over all processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from batch_norm_process import images, network_of, train_share
from torch import distributed, multiprocessing, nn

from utkage.training.synchronised_batch_norm import SynchronisedBatchNorm2d, synchronise_batch_norms


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


@pytest.mark.parametrize("momentum", [0.1, None])
def test_synchronised_norm_of_one_process_trains_like_the_ordinary_one(
    tmp_path: Path, momentum: float | None
) -> None:
    ordinary = nn.BatchNorm2d(3, momentum=momentum)
    synchronised = SynchronisedBatchNorm2d(3, momentum=momentum)
    distributed.init_process_group("gloo", f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        for batch in (images(), 2 * images() + 1):
            torch.testing.assert_close(synchronised(batch), ordinary(batch), rtol=1e-4, atol=1e-5)
        network = network_of()
        synchronise_batch_norms(network, torch.device("cpu"))
        assert type(network[1]) is nn.BatchNorm2d, "one process needs no other norms"
    finally:
        distributed.destroy_process_group()
    for name, value in ordinary.state_dict().items():
        torch.testing.assert_close(synchronised.state_dict()[name], value)
