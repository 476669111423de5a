"""The multi-task network in the loop: validation, schedules, plateaus, frozen epochs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_sets import write_set
from small_trainings import (
    CONFIG,
    Interrupting,
    MakeSetup,
    network_of,
    newest,
    sources_find,
    train,
    validations_find,
)

from utkage.core.reporter import SilentReporter
from utkage.data.augment import AugmentConfig
from utkage.data.store import ChipStore
from utkage.models.locate import LAST_NAME
from utkage.models.systems import build_multitask
from utkage.models.weights_files import load_weights
from utkage.training.config import TrainConfig
from utkage.training.schedule import SCHEDULES, ScheduleState
from utkage.training.systems.multitask.trainable import (
    TrainableMultitask,
    learning_rate,
    start_multitask,
)

# Without a checkpoint after every step.
CALM = replace(CONFIG, checkpoint_minutes=5.0)
# A network with the stages of a real one, which the card of the set-up names.
DEEP = replace(CONFIG, backbone="mobilenet_v3_small")
FROZEN_FIRST = replace(DEEP, freeze_epochs=1, layer_decay=0.7)


def test_the_saved_metrics_are_those_of_the_saved_weights(make_setup: MakeSetup) -> None:
    setup = make_setup(config=DEEP)
    train(setup)
    weights = load_weights(setup.folder / LAST_NAME)
    system = TrainableMultitask(build_multitask(weights, "x"), setup)
    columns = system.validate(SilentReporter()).columns
    assert "val_sources" not in columns
    saved = {f"val_{k}": v for k, v in weights.card.metrics["val"].items() if k != "epoch"}
    assert columns == pytest.approx(saved, abs=1e-3)


def test_several_sources_have_metrics_of_their_own(make_setup: MakeSetup) -> None:
    setup = make_setup()
    setup = replace(setup, val=replace(setup.val, sources=("a",) * 4 + ("b",) * 5))
    system = TrainableMultitask(network_of(), setup)
    columns = system.validate(SilentReporter()).columns
    assert set(columns["val_sources"]) == {"a", "b"}
    card = system.card_metrics({"epoch": 3, "train_loss": 1.0, **columns})
    assert (card["epoch"], card["mae"]) == (3, columns["val_mae"])
    assert not {"sources", "train_loss"} & set(card)


def test_progressive_sizes_and_leftover_chips(make_setup: MakeSetup) -> None:
    seen: list[tuple[int, ...]] = []
    config = replace(CONFIG, sizes=(48, 32), batch_size=10)
    network = network_of(config)
    # The averaged network is a copy, with its hooks, that only validates.
    network.backbone.register_forward_pre_hook(
        lambda module, inputs: seen.append(tuple(inputs[0].shape)) if module.training else None
    )
    setup = make_setup(config=config)
    setup.folder.mkdir()
    train(setup, network=network)
    assert seen == [(10, 3, 48, 48)] * 2 + [(10, 3, 32, 32)] * 2


def test_a_plateau_cuts_the_rate_of_a_run(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    validations_find(monkeypatch, [9.0, 9.5, 9.5, 9.5, 9.5])
    config = replace(
        CALM, epochs=5, schedule="plateau", plateau_patience=1, plateau_factor=0.5, warmup=0.0
    )
    rates = [row["learning_rate"] for row in train(make_setup(config=config)).rows]
    assert rates == pytest.approx([2e-3, 2e-3, 2e-3, 1e-3, 1e-3])


@pytest.mark.parametrize(("select_by", "last"), [("macro_mae", 2e-3), ("worst_mae", 1e-3)])
def test_plateaus_follow_the_selected_error(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch, select_by: str, last: float
) -> None:
    sources_find(monkeypatch, [{"a": 9.0 - epoch, "b": 9.0} for epoch in range(5)])
    plateau = {"schedule": "plateau", "plateau_patience": 1, "plateau_factor": 0.5, "warmup": 0.0}
    config = replace(CALM, epochs=5, select_by=select_by, **plateau)  # type: ignore[arg-type]
    rows = train(make_setup(config=config)).rows
    assert rows[-1]["learning_rate"] == pytest.approx(last)


@pytest.mark.parametrize("schedule", ["one_cycle", "constant"])
def test_runs_follow_the_other_schedules(make_setup: MakeSetup, schedule: str) -> None:
    config = replace(CALM, schedule=schedule, warmup=0.5)
    rates = [row["learning_rate"] for row in train(make_setup(config=config)).rows]
    states = [ScheduleState(step, 6, 0.5) for step in (2, 5)]
    assert rates == [2e-3 * SCHEDULES[schedule](state) for state in states]


def test_frozen_epochs_teach_the_heads_only(make_setup: MakeSetup) -> None:
    config = replace(FROZEN_FIRST, checkpoint_minutes=5.0)
    setup = make_setup(config=config)
    setup.folder.mkdir()
    start = {name: value.clone() for name, value in network_of(config).state_dict().items()}
    with pytest.raises(KeyboardInterrupt):
        train(setup, Interrupting("epoch 1", 2))
    after_one = newest(setup)
    assert after_one.step == 3
    for name, value in start.items():
        unchanged = torch.equal(value, after_one.network[name])
        assert unchanged == name.startswith("backbone."), name
        if name.startswith("backbone."):
            assert torch.equal(value, after_one.average[name]), name
    train(setup)
    after_two = newest(setup).network
    moved = [name for name, value in start.items() if not torch.equal(value, after_two[name])]
    statistics = [name for name in start if name.endswith("running_mean")]
    assert len(statistics) > 30
    assert set(statistics) <= set(moved)
    assert {"backbone.0.0.0.weight", "backbone.0.12.0.weight", "age.weight"} <= set(moved)


def test_rates_follow_the_schedule_times_the_scale(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[float, float]]] = []
    original = torch.optim.AdamW.step

    def spy(self: torch.optim.AdamW, *arguments: object) -> object:
        seen.append([(group["lr"], group["scale"]) for group in self.param_groups])
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    config = replace(DEEP, layer_decay=0.5)
    train(make_setup(config=config))
    assert len(seen) == 6
    for step, groups in enumerate(seen):
        rate = learning_rate(config, step, 3, ())
        assert groups == [(rate * scale, scale) for _, scale in groups]
        assert {scale for _, scale in groups} == {0.5**level for level in range(14)}


@pytest.mark.parametrize(
    ("margin", "teachers", "warns"), [(0.0, (), False), (0.1, (), True), (0.0, ("shipped",), True)]
)
def test_chips_that_show_too_little_are_reported(
    tmp_path: Path, margin: float, teachers: tuple[str, ...], warns: bool
) -> None:
    write_set(tmp_path)
    store = ChipStore.open(tmp_path)
    config = TrainConfig(sizes=(64,), epochs=1, init="scratch", margin=margin, teachers=teachers)
    warnings: list[str] = []
    reporter = SilentReporter()
    reporter.warn = warnings.append  # type: ignore[method-assign]
    start_multitask(config, AugmentConfig(), store, store.split("all"), reporter)
    assert [f"{tmp_path}: its chips show less" in warning for warning in warnings] == [True] * warns
    aligned = [replace(row, record=replace(row.record, aligned=True)) for row in store.manifest]
    only_chips = replace(store, manifest=tuple(aligned))
    start_multitask(config, AugmentConfig(), only_chips, store.split("all"), reporter)
    assert len(warnings) == warns
