import torch

from utkage.training.randomness import seed_layers


def drawn(seed: int, step: int) -> list[float]:
    seed_layers(seed, step)
    return torch.rand(4).tolist()  # type: ignore[no-any-return]


def test_draws_are_a_function_of_seed_and_step() -> None:
    first = drawn(3, 10)
    torch.rand(100)
    assert drawn(3, 10) == first


def test_seeds_and_steps_draw_differently() -> None:
    # Seeds that differ above the lowest 32 bits only would be the same to torch on a CPU.
    draws = [tuple(drawn(seed, step)) for seed in (0, 1, 2**31 - 1) for step in (0, 1, 70_000)]
    assert len(set(draws)) == len(draws)
