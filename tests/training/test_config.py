import json
from collections import Counter

import pytest

from utkage.core.errors import ConfigError
from utkage.training.config import TrainConfig

NAN = float("nan")


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"learning_rate": 0.0},
        {"learning_rate": -1e-3},
        {"learning_rate": NAN},
        {"weight_decay": -0.1},
        {"weight_decay": NAN},
        {"warmup": 1.0},
        {"warmup": -0.1},
        {"warmup": NAN},
        {"sizes": ()},
        {"sizes": (64, 31)},
        {"sizes": (513,)},
        {"epochs": 2, "sizes": (64, 96, 128)},
        {"freeze_epochs": -1},
        {"epochs": 3, "freeze_epochs": 4},
        {"layer_decay": 0.0},
        {"layer_decay": 1.1},
        {"layer_decay": NAN},
        {"sigma_base": 0.0},
        {"sigma_base": NAN},
        {"sigma_max": 0.5},
        {"sigma_slope": -0.1},
        {"sigma_slope": NAN},
        {"l1_weight": -1.0},
        {"age_loss": "l2"},
        {"age_loss": "l1", "l1_weight": 0.0},
        {"sord_distance": "cubic"},
        {"sord_width": 0.0},
        {"sord_width": NAN},
        {"mean_weight": -0.1},
        {"variance_weight": NAN},
        {"age_weighting": "inverse"},
        {"source_weighting": "linear"},
        {"age_weight_clip": 1.0},
        {"age_weight_clip": NAN},
        {"gender_weight": -1.0},
        {"gender_weight": NAN},
        {"gender_smoothing": 0.5},
        {"gender_smoothing": -0.1},
        {"ema_decay": 1.0},
        {"ema_decay": -0.1},
        {"clip_norm": 0.0},
        {"clip_norm": NAN},
        {"seed": -1},
        {"seed": 2**31},
        {"select_by": "best_mae"},
        {"checkpoint_minutes": -1.0},
        {"checkpoint_minutes": NAN},
    ],
)
def test_impossible_values_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        TrainConfig(**wrong)  # type: ignore[arg-type]


def test_the_edges_are_allowed() -> None:
    TrainConfig(
        epochs=2,
        batch_size=2,
        weight_decay=0.0,
        warmup=0.0,
        sizes=(32, 512),
        freeze_epochs=2,
        layer_decay=1.0,
        sigma_base=4.0,
        sigma_max=4.0,
        sigma_slope=0.0,
        l1_weight=0.0,
        gender_weight=0.0,
        gender_smoothing=0.0,
        ema_decay=0.0,
        seed=2**31 - 1,
        checkpoint_minutes=0.0,
    )


@pytest.mark.parametrize(
    ("epochs", "sizes", "expected"),
    [
        (6, (64, 96, 128), [64, 64, 96, 96, 128, 128]),
        (5, (64, 128), [64, 64, 64, 128, 128]),
        (3, (64,), [64, 64, 64]),
        (1, (64,), [64]),
    ],
)
def test_sizes_share_the_epochs_in_order(
    epochs: int, sizes: tuple[int, ...], expected: list[int]
) -> None:
    config = TrainConfig(epochs=epochs, sizes=sizes)
    assert [config.size_of_epoch(epoch) for epoch in range(epochs)] == expected
    assert config.size == sizes[-1] == expected[-1]


def test_shares_are_even() -> None:
    config = TrainConfig(epochs=50, sizes=(64, 96, 128, 160))
    counts = Counter(config.size_of_epoch(epoch) for epoch in range(50))
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("epochs", [3, 4, 50])
def test_the_last_epoch_is_at_the_size_of_the_model(epochs: int) -> None:
    config = TrainConfig(epochs=epochs, sizes=(64, 96, 128))
    assert config.size_of_epoch(epochs - 1) == config.size


def test_as_json() -> None:
    value = TrainConfig(sizes=(64, 96)).to_dict()
    assert json.loads(json.dumps(value)) == value
    lists = {name: tuple(value[name]) for name in ("sizes", "teachers")}
    assert TrainConfig(**{**value, **lists}) == TrainConfig(sizes=(64, 96))
