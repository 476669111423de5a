"""The numbers of steps are read together, in order, and none is lost."""

from __future__ import annotations

import torch

from utkage.training.step_numbers import READ_EVERY, UnreadNumbers, number_type, read_interval

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_the_cpu_reads_each_step() -> None:
    unread = UnreadNumbers(CPU)
    assert unread.add(torch.tensor([1.0, 2.0])) == [[1.0, 2.0]]
    assert unread.read() == []


def test_a_gpu_is_read_rarely_and_in_order() -> None:
    # The tensors are on the CPU here; only the interval is that of a GPU.
    unread, found = UnreadNumbers(CUDA), []
    for step in range(2 * READ_EVERY + 7):
        due = unread.add(torch.tensor([float(step)]))
        assert bool(due) == ((step + 1) % READ_EVERY == 0)
        found += due
    found += unread.read()
    assert found == [[float(step)] for step in range(2 * READ_EVERY + 7)]
    assert unread.read() == []


def test_intervals_and_types() -> None:
    assert read_interval(CPU) == 1
    assert read_interval(CUDA) == READ_EVERY > 1
    assert number_type(torch.device("mps")) == torch.float32
    assert number_type(CPU) == number_type(CUDA) == torch.float64
