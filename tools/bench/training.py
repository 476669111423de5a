"""The share of augmentation in a training step, and the training loop against bare steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.loop import bench_loop
from tools.bench.timing import Spread, timed
from utkage.data.augment import AugmentConfig, augment
from utkage.data.labels import AGE_COUNT
from utkage.data.sample_random import SampleRandom
from utkage.models.locate import shipped_weights
from utkage.models.systems import build_multitask
from utkage.models.weights_files import load_weights
from utkage.training.ema import WeightAverage

BATCH = 64
STORED_SIZE = 200
SIZE = 160
THREADS = (1, 2)
AUGMENT_STEPS = 15
LOOP_STEPS = 20


def bench(options: BenchOptions) -> BenchResult:
    """Measure augmentation with one thread and with two, then the loop with two."""
    batch = options.scaled(BATCH, 4)
    found = []
    for threads in THREADS:
        with _torch_threads(threads):
            found.append(_bench_augment(threads, batch, options.scaled(AUGMENT_STEPS, 2)))
    with _torch_threads(THREADS[-1]):
        found += bench_loop(options.scaled(LOOP_STEPS, 3), batch)
    return BenchResult(found)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _bench_augment(threads: int, batch: int, steps: int) -> Measurement:
    """Time the parts of training steps, from gathered chips to new weights; the chips are noise."""
    network = build_multitask(load_weights(shipped_weights()), "shipped weights")
    network.train().to(memory_format=torch.channels_last)
    average = WeightAverage(network, 0.998)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
    chips = torch.randint(0, 256, (batch, STORED_SIZE, STORED_SIZE, 3), dtype=torch.uint8)
    samples = torch.arange(batch)
    ages, genders = samples % AGE_COUNT, samples % 2

    def train(images: torch.Tensor, step: int) -> None:
        # All losses take the same time, so simple ones serve.
        age_logits, gender_logits = network(images)
        loss = F.cross_entropy(age_logits, ages)
        loss = loss + F.binary_cross_entropy_with_logits(gender_logits, genders.float())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        average.update(network, step)

    shares = []
    for step in range(steps + 1):
        images: list[torch.Tensor] = []
        random = SampleRandom(0, step, samples)
        augmenting = timed(lambda: images.append(augment(chips, SIZE, AugmentConfig(), random)))  # noqa: B023
        training = timed(partial(train, images[0], step))
        shares.append(100 * augmenting.wall / (augmenting.wall + training.wall))
    # The first step warms caches.
    spread = Spread(tuple(shares[1:]))
    return Measurement(
        name=f"augmentation, threads {threads}",
        value=spread.median,
        unit="% of a training step",
        at_most=6,
        detail=f"{spread}, {batch} chips of {STORED_SIZE} pixels at {SIZE}, {steps} steps",
    )
