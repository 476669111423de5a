from __future__ import annotations

from dataclasses import replace

import pytest
from small_trainings import CONFIG, MakeSetup


@pytest.mark.parametrize(("batch_size", "steps"), [(8, 3), (7, 3), (5, 4), (24, 1), (99, 1)])
def test_steps_of_an_epoch_of_24_chips(make_setup: MakeSetup, batch_size: int, steps: int) -> None:
    setup = make_setup(config=replace(CONFIG, batch_size=batch_size))
    assert len(setup.train) == 24
    assert setup.steps_per_epoch == steps


def test_by_default_one_process_trains_alone(make_setup: MakeSetup) -> None:
    group = make_setup().group
    assert (group.rank, group.size, group.is_first) == (0, 1, True)
