import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from utkage.core.errors import TrainingError
from utkage.core.reporter import SilentReporter
from utkage.data.augment import NO_AUGMENTATION, AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.models.card import Card
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.multitask import MultiTaskNet
from utkage.models.systems import build_multitask
from utkage.models.weights_files import load_weights
from utkage.training import loop
from utkage.training.checkpoint import Checkpoint
from utkage.training.checkpoint_folder import CheckpointFolder
from utkage.training.config import TrainConfig
from utkage.training.distributed import Group
from utkage.training.loop import FitResult, Setup, fit, learning_rate
from utkage.training.schedule import SCHEDULES, ScheduleState
from utkage.training.summary import METRICS_NAME, SUMMARY_NAME
from utkage.training.targets import SoftTargets, Targets

Chips = Callable[..., LabelledChips]
MakeSetup = Callable[..., Setup]
CONFIG = TrainConfig(
    epochs=2,
    batch_size=8,
    learning_rate=2e-3,
    sizes=(32,),
    backbone="mobilenet_v3_small",
    init="scratch",
    ema_decay=0.9,
    checkpoint_minutes=0.0,
)


class Interrupting(SilentReporter):
    """Raises when the task that is named like ``where`` has advanced ``after`` times."""

    def __init__(self, where: str, after: int) -> None:
        self.where, self.left = where, after

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator["Interrupting"]:
        self.label = label
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        if steps and self.label.startswith(self.where):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


def network_of(config: TrainConfig = CONFIG) -> MultiTaskNet:
    torch.manual_seed(config.seed)
    return MultiTaskNet(config.backbone)


@pytest.fixture
def make_setup(labelled_chips: Chips, card: Card, tmp_path: Path) -> MakeSetup:
    train, val = labelled_chips(24), labelled_chips(9, seed=7)

    def make(name: str = "run", config: TrainConfig = CONFIG) -> Setup:
        return Setup(
            config=config,
            augmentation=AugmentConfig(),
            card=card,
            identity=config.to_dict(),
            train=train,
            val=val,
            learned=train.fingerprints(),
            device=torch.device("cpu"),
            folder=tmp_path / name,
        )

    return make


def finish(setup: Setup) -> FitResult:
    setup.folder.mkdir(exist_ok=True)
    return fit(network_of(setup.config), setup, SilentReporter())


def newest(setup: Setup) -> Checkpoint:
    found = CheckpointFolder(setup.folder).newest(SilentReporter())
    assert found is not None
    return found


def test_it_learns_what_can_be_seen(make_setup: MakeSetup) -> None:
    config = replace(CONFIG, epochs=10, checkpoint_minutes=5.0, learning_rate=4e-3)
    calm = replace(NO_AUGMENTATION, flip=0.5)
    result = finish(replace(make_setup(config=config), augmentation=calm))
    losses = [row["train_loss"] for row in result.rows]
    assert losses[-1] < 0.6 * losses[0]


def test_files_and_rows(make_setup: MakeSetup) -> None:
    setup = make_setup()
    result = finish(setup)
    names = {path.name for path in setup.folder.iterdir()}
    kept = {"checkpoint-00000006.pt", METRICS_NAME, SUMMARY_NAME, BEST_NAME, LAST_NAME}
    assert names == kept
    rows = [json.loads(line) for line in (setup.folder / METRICS_NAME).read_text().splitlines()]
    assert rows == list(result.rows)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert result.best_mae == min(row["val_mae"] for row in rows)
    assert rows[result.best_epoch - 1]["val_mae"] == result.best_mae
    best = load_weights(setup.folder / BEST_NAME)
    assert best.card.metrics["val"]["epoch"] == result.best_epoch
    assert best.card.metrics["val"]["mae"] == result.best_mae
    assert best.fingerprints.tolist() == setup.train.fingerprints().tolist()
    last = load_weights(setup.folder / LAST_NAME)
    assert last.card.metrics["val"]["epoch"] == 2
    checkpoint = newest(setup)
    assert checkpoint.step == 6
    for name, value in checkpoint.average.items():
        assert torch.equal(last.state[name], value), "the averaged weights are the ones kept"
    assert any(
        not torch.equal(checkpoint.network[name], value)
        for name, value in checkpoint.average.items()
    )


def test_the_kept_figures_are_those_of_the_kept_weights(make_setup: MakeSetup) -> None:
    setup = make_setup()
    finish(setup)
    weights = load_weights(setup.folder / LAST_NAME)
    found, by_source = loop.validate(build_multitask(weights, "x"), setup, SilentReporter())
    assert by_source == {}
    metrics = found.to_dict()
    kept = {name: value for name, value in weights.card.metrics["val"].items() if name != "epoch"}
    assert metrics == pytest.approx(kept, abs=1e-3)


@pytest.fixture
def undisturbed(make_setup: MakeSetup) -> Setup:
    setup = make_setup("undisturbed")
    finish(setup)
    return setup


@pytest.mark.parametrize(
    ("where", "after"),
    [("epoch 1", 0), ("epoch 1", 2), ("validating", 0), ("epoch 2", 1), ("validating", 1)],
)
def test_an_interrupted_run_ends_with_the_same_bits(
    make_setup: MakeSetup, undisturbed: Setup, where: str, after: int
) -> None:
    setup = make_setup("interrupted")
    setup.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        fit(network_of(), setup, Interrupting(where, after))
    if (where, after) != ("epoch 1", 0):
        assert CheckpointFolder(setup.folder).paths()
    result = finish(setup)
    assert [row["epoch"] for row in result.rows] == [1, 2]
    for name in (LAST_NAME, BEST_NAME):
        first = load_weights(undisturbed.folder / name)
        second = load_weights(setup.folder / name)
        assert first.card == second.card
        for key, value in first.state.items():
            assert torch.equal(value, second.state[key]), f"{key} of {name}"
    ends = [newest(item) for item in (undisturbed, setup)]
    for key, value in ends[0].network.items():
        assert torch.equal(value, ends[1].network[key]), key


def test_a_finished_run_is_left_alone(make_setup: MakeSetup, undisturbed: Setup) -> None:
    before = {path.name: path.read_bytes() for path in undisturbed.folder.iterdir()}
    result = finish(undisturbed)
    assert len(result.rows) == 2
    assert {path.name: path.read_bytes() for path in undisturbed.folder.iterdir()} == before


def test_other_settings_do_not_go_on(make_setup: MakeSetup, undisturbed: Setup) -> None:
    other = replace(undisturbed, identity={**undisturbed.identity, "seed": 5})
    with pytest.raises(TrainingError, match="seed: 0 there, 5 now"):
        finish(other)


def test_the_seed_decides(make_setup: MakeSetup, undisturbed: Setup) -> None:
    again = make_setup("again")
    finish(again)
    other = make_setup("other", replace(CONFIG, seed=1))
    finish(other)
    states = [load_weights(item.folder / LAST_NAME).state for item in (undisturbed, again, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not torch.equal(states[0]["age.weight"], states[2]["age.weight"])


def test_a_loss_that_is_not_finite(make_setup: MakeSetup) -> None:
    network = network_of()
    with torch.no_grad():
        network.age.bias[3] = float("nan")
    setup = make_setup()
    setup.folder.mkdir()
    with pytest.raises(TrainingError, match=r"loss nan, .* at step 1; lower `learning_rate`"):
        fit(network, setup, SilentReporter())
    assert not (setup.folder / LAST_NAME).exists()


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
    fit(network, setup, SilentReporter())
    assert seen == [(10, 3, 48, 48)] * 2 + [(10, 3, 32, 32)] * 2


def test_every_chip_is_seen_once_per_epoch(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    original = loop.training_batch

    def spy(setup: Setup, chosen: object, size: int, epoch: int) -> object:
        rows.extend(chosen.tolist())  # type: ignore[attr-defined]
        return original(setup, chosen, size, epoch)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "training_batch", spy)
    finish(make_setup())
    assert sorted(rows[:24]) == sorted(rows[24:]) == list(range(24))
    assert rows[:24] != rows[24:]


def test_a_face_varies_by_epoch_and_not_by_batch(make_setup: MakeSetup) -> None:
    setup = make_setup()
    chosen = np.arange(24)
    images, targets, blend = loop.training_batch(setup, chosen, 32, 1)
    assert blend is None
    some = np.array([17, 3, 8])
    part = loop.training_batch(setup, some, 32, 1)
    torch.testing.assert_close(part.images, images[some], atol=1e-2, rtol=0)
    assert torch.equal(part.targets.ages, targets.ages[some])
    assert torch.equal(part.targets.genders, targets.genders[some])
    for other in (
        loop.training_batch(setup, chosen, 32, 2),
        loop.training_batch(make_setup(config=replace(CONFIG, seed=1)), chosen, 32, 1),
    ):
        assert bool(((other.images - images).abs().amax((1, 2, 3)) > 1).all())


# Without a checkpoint after every step.
CALM = replace(CONFIG, checkpoint_minutes=5.0)
MIXED = AugmentConfig(mixup=0.7, mixup_alpha=1.0)


def test_blended_faces_have_the_labels_of_both(make_setup: MakeSetup) -> None:
    plain = make_setup()
    setup, chosen = replace(plain, augmentation=MIXED), np.arange(24)[::-1].copy()
    faces = loop.training_batch(plain, chosen, 32, 1)
    images, targets, blend = loop.training_batch(setup, chosen, 32, 1)
    assert blend is not None
    ages, genders, importance, soft_targets = targets
    assert importance is soft_targets is None
    assert torch.equal(ages, faces.targets.ages)
    assert torch.equal(genders, faces.targets.genders)
    alone = blend.weight == 1
    assert 2 < int(alone.sum()) < 15
    assert torch.equal(blend.others.ages[alone], ages[alone])
    assert torch.equal(images[alone], faces.images[alone])
    assert int((blend.others.ages != ages).sum()) > 5
    for row in (~alone).nonzero()[:, 0].tolist():
        share = blend.weight[row]
        fits = [
            bool((images[row] - share * faces.images[row] - (1 - share) * other).abs().max() < 0.1)
            and (ages[at], genders[at]) == (blend.others.ages[row], blend.others.genders[row])
            for at, other in enumerate(faces.images)
        ]
        assert sum(fits) == 1
        assert not fits[row]


def assert_same(found: Targets, expected: Targets) -> None:
    assert found.soft_targets is not None
    assert expected.soft_targets is not None
    for one, other in zip(
        (*found[:3], *found.soft_targets), (*expected[:3], *expected.soft_targets), strict=True
    ):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


@pytest.mark.parametrize("size", [2, 3])
def test_blends_do_not_depend_on_the_number_of_processes(make_setup: MakeSetup, size: int) -> None:
    setup, chosen = replace(make_setup(), augmentation=MIXED), np.arange(23)
    sources = ("many",) * 17 + ("few",) * 7
    setup = replace(
        setup,
        config=replace(setup.config, source_weighting="equal"),
        train=replace(setup.train, sources=sources),
        soft_targets=SoftTargets(torch.rand(24, 117), torch.rand(24)),
    )
    whole = loop.training_batch(setup, chosen, 32, 1)
    assert whole.blend is not None
    importance = whole.targets.importance
    assert importance is not None
    assert float(importance[0]) < 1 < float(importance[-1])
    for rank in range(size):
        group = Group(rank, size)
        mine = torch.from_numpy(group.share(chosen))
        part = loop.training_batch(replace(setup, group=group), chosen, 32, 1)
        assert part.blend is not None
        torch.testing.assert_close(part.images, whole.images[mine], atol=1e-2, rtol=0)
        assert_same(part.targets, whole.targets.part(mine))
        assert_same(part.blend.others, whole.blend.others.part(mine))
        assert torch.equal(part.blend.weight, whole.blend.weight[mine])
    # The picture of the first batch shows all of it, whoever draws it.
    assert len(loop.first_batch(replace(setup, group=Group(1, 2))).images) == CONFIG.batch_size


def test_a_blended_and_weighted_run_ends_with_the_same_bits(make_setup: MakeSetup) -> None:
    config = replace(CALM, age_loss="corn", age_weighting="sqrt", accumulate=2)
    straight, stopped = (
        replace(make_setup(name, config), augmentation=MIXED) for name in ("straight", "stopped")
    )

    def start() -> MultiTaskNet:
        torch.manual_seed(0)
        return MultiTaskNet(config.backbone, "corn")

    for setup in (straight, stopped):
        setup.folder.mkdir()
    card = replace(straight.card, age_head="corn")
    straight, stopped = replace(straight, card=card), replace(stopped, card=card)
    fit(start(), straight, SilentReporter())
    with pytest.raises(KeyboardInterrupt):
        fit(start(), stopped, Interrupting("epoch 2", 1))
    torch.manual_seed(99)
    fit(start(), stopped, SilentReporter())
    ends = [newest(item) for item in (straight, stopped)]
    for name, value in ends[0].network.items():
        assert torch.equal(value, ends[1].network[name]), name
    for name, value in ends[0].average.items():
        assert torch.equal(value, ends[1].average[name]), name


def stands_still(monkeypatch: pytest.MonkeyPatch, errors: list[float]) -> None:
    """Let the validations of a run find these MAEs, one after the other."""
    original, left = loop.validate, iter(errors)

    def validate(network: object, setup: object, reporter: object) -> object:
        metrics, by_source = original(network, setup, reporter)
        return replace(metrics, mae=next(left)), by_source

    monkeypatch.setattr(loop, "validate", validate)


def test_it_stops_when_validation_stands_still(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_still(monkeypatch, [9.0, 7.0, 8.0, 7.5])
    setup = make_setup(config=replace(CALM, epochs=9, stop_after=2))
    result = finish(setup)
    assert [row["epoch"] for row in result.rows] == [1, 2, 3, 4]
    assert (result.best_epoch, result.best_mae) == (2, 7.0)
    assert load_weights(setup.folder / BEST_NAME).card.metrics["val"]["epoch"] == 2
    # And it stays stopped.
    assert len(finish(setup).rows) == 4


def test_a_plateau_cuts_the_rate_of_a_run(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_still(monkeypatch, [9.0, 9.5, 9.5, 9.5, 9.5])
    config = replace(
        CALM, epochs=5, schedule="plateau", plateau_patience=1, plateau_factor=0.5, warmup=0.0
    )
    rates = [row["learning_rate"] for row in finish(make_setup(config=config)).rows]
    assert rates == pytest.approx([2e-3, 2e-3, 2e-3, 1e-3, 1e-3])


@pytest.mark.parametrize("schedule", ["one_cycle", "constant"])
def test_runs_follow_the_other_schedules(make_setup: MakeSetup, schedule: str) -> None:
    config = replace(CALM, schedule=schedule, warmup=0.5)
    rates = [row["learning_rate"] for row in finish(make_setup(config=config)).rows]
    states = [ScheduleState(step, 6, 0.5) for step in (2, 5)]
    assert rates == [2e-3 * SCHEDULES[schedule](state) for state in states]


def test_too_little_memory_names_what_to_lower(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    wanted = r"cpu: out of memory; lower --batch-size .* --sizes, .*accumulate=2"
    network = network_of()
    network.backbone.register_forward_pre_hook(full)
    setup = make_setup()
    setup.folder.mkdir()
    with pytest.raises(TrainingError, match=wanted):
        fit(network, setup, SilentReporter())
    # Chips are varied on the device as well.
    monkeypatch.setattr(loop, "augment", full)
    with pytest.raises(TrainingError, match=wanted):
        fit(network_of(), setup, SilentReporter())


FROZEN_FIRST = replace(CONFIG, freeze_epochs=1, layer_decay=0.7)


def test_frozen_epochs_teach_the_heads_only(make_setup: MakeSetup) -> None:
    config = replace(FROZEN_FIRST, checkpoint_minutes=5.0)
    setup = make_setup(config=config)
    setup.folder.mkdir()
    start = {name: value.clone() for name, value in network_of(config).state_dict().items()}
    with pytest.raises(KeyboardInterrupt):
        fit(network_of(config), setup, Interrupting("epoch 1", 2))
    after_one = newest(setup)
    assert after_one.step == 3
    for name, value in start.items():
        unchanged = torch.equal(value, after_one.network[name])
        assert unchanged == name.startswith("backbone."), name
        if name.startswith("backbone."):
            assert torch.equal(value, after_one.average[name]), name
    fit(network_of(config), setup, SilentReporter())
    after_two = newest(setup).network
    moved = [name for name, value in start.items() if not torch.equal(value, after_two[name])]
    statistics = [name for name in start if name.endswith("running_mean")]
    assert len(statistics) > 30
    assert set(statistics) <= set(moved)
    assert {"backbone.0.0.0.weight", "backbone.0.12.0.weight", "age.weight"} <= set(moved)


# It draws from the global generator.
STOCHASTIC_DEPTH = replace(FROZEN_FIRST, freeze_epochs=0, backbone="efficientnet_b0")


@pytest.mark.parametrize(
    ("config", "where", "after"),
    [
        *((FROZEN_FIRST, "epoch 1", after) for after in (1, 2)),
        *((FROZEN_FIRST, "epoch 2", after) for after in (0, 2)),
        (FROZEN_FIRST, "validating", 0),
        (STOCHASTIC_DEPTH, "epoch 1", 2),
        (STOCHASTIC_DEPTH, "validating", 0),
    ],
)
def test_a_refined_run_ends_with_the_same_bits(
    make_setup: MakeSetup, config: TrainConfig, where: str, after: int
) -> None:
    straight, stopped = make_setup("straight", config), make_setup("stopped", config)
    finish(straight)
    stopped.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        fit(network_of(config), stopped, Interrupting(where, after))
    # What a new process would hold in its global generator.
    torch.manual_seed(99)
    finish(stopped)
    ends = [newest(item) for item in (straight, stopped)]
    for name, value in ends[0].network.items():
        assert torch.equal(value, ends[1].network[name]), name
    for name, value in ends[0].average.items():
        assert torch.equal(value, ends[1].average[name]), name


def test_rates_follow_the_schedule_times_the_scale(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[float, float]]] = []
    original = torch.optim.AdamW.step

    def spy(self: torch.optim.AdamW, *arguments: object) -> object:
        seen.append([(group["lr"], group["scale"]) for group in self.param_groups])
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    config = replace(CONFIG, layer_decay=0.5)
    finish(make_setup(config=config))
    assert len(seen) == 6
    for step, groups in enumerate(seen):
        rate = learning_rate(config, step, 3, ())
        assert groups == [(rate * scale, scale) for _, scale in groups]
        assert {scale for _, scale in groups} == {0.5**level for level in range(14)}


class Signalling(Interrupting):
    """Sends SIGTERM to this process instead of raising, and keeps the warnings."""

    def __init__(self, where: str, after: int) -> None:
        super().__init__(where, after)
        self.warnings: list[str] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        try:
            super().advance(steps, note)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def test_a_signal_stops_between_steps_and_is_saved(
    make_setup: MakeSetup, undisturbed: Setup
) -> None:
    setup = make_setup("signalled")
    setup.folder.mkdir()
    former = signal.getsignal(signal.SIGTERM)
    reporter = Signalling("epoch 2", 1)
    with pytest.raises(KeyboardInterrupt):
        fit(network_of(), setup, reporter)
    assert signal.getsignal(signal.SIGTERM) is former
    assert any(f"`run={setup.folder}`" in message for message in reporter.warnings)
    finish(setup)
    first, second = (load_weights(item.folder / LAST_NAME).state for item in (undisturbed, setup))
    assert all(torch.equal(value, second[key]) for key, value in first.items())
