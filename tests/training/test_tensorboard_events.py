"""TensorBoard event files: the metrics of every epoch as scalars."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.training.summary import event_files

ROWS = [
    {"epoch": 1, "loss": None, "rates": {"gender": 0.1}},
    {"epoch": 2, "loss": 0.5, "rates": {"gender": 0.2, "age": 3}, "by": {"a": {"mae": 4.0}}},
]


def test_event_files_hold_the_figures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "events"
    with event_files(folder) as on_epoch:
        assert not folder.exists()
        on_epoch(ROWS[:1])
    with event_files(folder) as on_epoch:
        on_epoch(ROWS)
    assert len(list(folder.iterdir())) == 2
    events = EventAccumulator(str(folder)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "rates/gender", "rates/age", "by/a/mae"}
    assert [(e.step, round(e.value, 6)) for e in events.Scalars("rates/gender")] == [
        (1, 0.1),
        (2, 0.2),
    ]


def test_without_the_package_the_way_to_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"pip install 'utkage\[tensorboard\]'"):
        event_files(tmp_path).__enter__()
