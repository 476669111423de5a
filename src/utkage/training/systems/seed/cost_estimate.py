"""A few real steps of the seed system, to say what its training will cost. Writes nothing."""

from __future__ import annotations

from utkage.core.reporter import Reporter
from utkage.data.batches import epoch_order, steps_per_epoch
from utkage.models.seed.system import SeedSystem
from utkage.training.cost_estimate import (
    CostEstimate,
    tensor_bytes,
    time_steps,
    time_validation,
)
from utkage.training.systems.seed.joint import Batch, score_seed
from utkage.training.systems.seed.loop import (
    VALIDATION_BATCH,
    SeedSetup,
    build_trainer,
    take_step,
    validation_batches,
)


def estimate_seed_cost(system: SeedSystem, setup: SeedSetup, reporter: Reporter) -> CostEstimate:
    """Take a warm-up step and a few measured ones, and validate a little.

    The weights change as they do in training.

    Raises:
        TrainingError: a loss that is not finite.
    """
    config, device = setup.config, setup.device
    system.to(device)
    trainer = build_trainer(system, config)
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    order = epoch_order(len(setup.train), config.seed, 0)

    def step(number: int) -> None:
        first = number % steps * config.batch_size
        take_step(trainer, setup, order[first : first + config.batch_size], 0, number)

    def answer(batch: Batch) -> None:
        score_seed(system, [batch])

    seconds = {config.size: time_steps(step, f"steps at {config.size}", device, reporter)}
    validation = time_validation(
        answer, validation_batches(setup), VALIDATION_BATCH, len(setup.val), device
    )
    state = system.state_dict()
    return CostEstimate(
        seconds, validation, tensor_bytes((state, trainer.state_dict())), tensor_bytes(state)
    )
