"""A training of the default system, with its run folder kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from utkage.engines.training.recipe import Recipe
from utkage.workflows.run_folder import provenance, recorded

if TYPE_CHECKING:
    from torch import Tensor

    from utkage.engines.training.loop import Setup


@contextlib.contextmanager
def recording(setup: Setup, *, tensorboard: bool) -> Iterator[Setup]:
    """Keep the run folder of ``setup`` while the body trains.

    Args:
        setup: What is trained.
        tensorboard: Write TensorBoard event files as well.

    Yields:
        The same, telling the run folder of its epochs. Of several processes the first keeps it.

    Raises:
        UsageError: as ``run_folder.recorded``.
    """
    if not setup.group.is_first:
        yield setup
        return
    recipe = Recipe("multitask", tensorboard, setup.config, setup.augmentation)
    origin = provenance(setup.card, setup.identity)
    with recorded(setup.folder, recipe, origin, lambda: _sample(setup)) as on_epoch:
        yield replace(setup, on_epoch=on_epoch)


def _sample(setup: Setup) -> tuple[Tensor, Tensor, Tensor]:
    from utkage.engines.training.loop import first_batch

    batch = first_batch(setup)
    return batch.images, batch.targets.ages, batch.targets.genders
