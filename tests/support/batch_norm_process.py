"""One of two processes that train a network with synchronised batch norm.

In a module of its own, because a spawned process has to import it.
"""

from __future__ import annotations

import torch
from torch import distributed, nn

from utkage.training.synchronised_batch_norm import SynchronisedBatchNorm2d, synchronise_batch_norms


def images() -> torch.Tensor:
    return torch.randn((6, 3, 5, 4), generator=torch.Generator().manual_seed(0)) * 3 + 1


def network_of() -> nn.Sequential:
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(3, momentum=0.3)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    return nn.Sequential(nn.Conv2d(3, 3, 3), norm, nn.Conv2d(3, 2, 1))


def train_share(rank: int, folder: str) -> None:
    distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2)
    network = network_of()
    synchronise_batch_norms(network, torch.device("cpu"))
    assert isinstance(network[1], SynchronisedBatchNorm2d)
    # Shares of different size: 4 and 2 images.
    mine = images()[:4] if rank == 0 else images()[4:]
    network(mine).square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    for gradient in gradients:
        distributed.all_reduce(gradient)
    torch.save([gradients, network.state_dict()], f"{folder}/{rank}.pt")
    distributed.destroy_process_group()
