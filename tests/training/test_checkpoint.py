import pickle
from pathlib import Path

import pytest
import torch

from utkage.core.errors import TrainingError
from utkage.training.checkpoint import Checkpoint


@pytest.fixture
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    network(torch.randn(2, 3, 8, 8)).square().mean().backward()
    optimizer.step()
    return Checkpoint(
        identity={"seed": 0, "sizes": [64, 96], "name": "größe"},
        step=17,
        network=network.state_dict(),
        average={name: value + 1 for name, value in network.state_dict().items()},
        optimizer=optimizer.state_dict(),
        rows=[{"epoch": 1, "val_mae": 5.5, "val_mae_21_60": None}],
        losses=[1.5, 1.25],
    )


def same(first: object, second: object) -> bool:
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.stride() == second.stride() and torch.equal(first, second)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def test_everything_comes_back(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path)
    found = Checkpoint.load(path)
    assert same(vars(found), vars(checkpoint))
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_identity_goes_on(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path)
    Checkpoint.load(path).require_identity(dict(checkpoint.identity), tmp_path)


def test_chips_with_another_margin_are_other_data(tmp_path: Path, checkpoint: Checkpoint) -> None:
    checkpoint.require_identity({**checkpoint.identity, "chip_margin": 0.0}, tmp_path)
    with pytest.raises(TrainingError, match=r"chip_margin: 0\.0 there, 0\.1 now"):
        checkpoint.require_identity({**checkpoint.identity, "chip_margin": 0.1}, tmp_path)


def test_a_checkpoint_of_a_former_version_has_the_values_of_its_time(
    tmp_path: Path, checkpoint: Checkpoint
) -> None:
    checkpoint.require_identity({**checkpoint.identity, "select_by": "mae"}, tmp_path)
    with pytest.raises(TrainingError, match="select_by: 'mae' there, 'worst_mae' now"):
        checkpoint.require_identity({**checkpoint.identity, "select_by": "worst_mae"}, tmp_path)


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"seed": 1}, ["seed: 0 there, 1 now"]),
        ({"sizes": [64]}, [r"sizes: \[64, 96\] there, \[64\] now"]),
        ({"extra": 5}, ["extra: None there, 5 now"]),
        ({"seed": 3, "name": "x"}, ["name: 'größe' there, 'x' now", "seed: 0 there, 3 now"]),
    ],
)
def test_another_identity_is_named(
    checkpoint: Checkpoint, tmp_path: Path, change: dict[str, object], messages: list[str]
) -> None:
    for message in messages:
        with pytest.raises(TrainingError, match=message) as caught:
            checkpoint.require_identity({**checkpoint.identity, **change}, tmp_path)
        assert str(tmp_path) in str(caught.value)
    changed = {name: value for name, value in checkpoint.identity.items() if name != "seed"}
    with pytest.raises(TrainingError, match="seed: 0 there, None now"):
        checkpoint.require_identity(changed, tmp_path)


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("raw", [True, False])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, checkpoint: Checkpoint, raw: bool) -> None:
    target, path = tmp_path / "ran", tmp_path / "checkpoint.pt"
    value = {**vars(checkpoint), "identity": "{}", "rows": "[]", "best": Evil(target)}
    if raw:
        path.write_bytes(pickle.dumps(value, protocol=2))
    else:
        torch.save(value, path)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: not a utkage checkpoint"):
        Checkpoint.load(path)
    assert not target.exists()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("step", -1, "step is -1"),
        ("step", "7", "step is"),
        ("step", 10**15, "step is"),
        ("identity", "[1]", "identity"),
        ("identity", {"a": 1}, "identity"),
        ("rows", "[" * 100_000, "nested deeper"),
        ("rows", '[{"epoch": 2}]', "epoch is 2"),
        ("rows", '[{"epoch": 1, "val_sources": [1]}]', "val_sources"),
        ("rows", '[{"epoch": 1, "val_sources": {"a": 3}}]', "val_sources.a is 3"),
        ("rows", "[5]", "a row is 5"),
        ("losses", [1.0, "x"], "losses"),
        ("losses", [float("nan")], "losses"),
        ("network", [], "network is"),
        ("network", {"x": 3}, "network: 'x' is a int"),
        ("network", {"x": torch.tensor([float("nan")])}, "network: the tensor x holds NaN"),
        ("average", {"x": torch.zeros(1).expand(10**9)}, "average: the tensor x repeats"),
        ("optimizer", None, "optimizer"),
    ],
)
def test_parts_of_other_types_are_named(
    tmp_path: Path, checkpoint: Checkpoint, name: str, value: object, reason: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path)
    content = torch.load(path, weights_only=True)
    torch.save({**content, name: value}, path)
    with pytest.raises(TrainingError, match=rf"checkpoint\.pt: .*damaged \(.*{reason}"):
        Checkpoint.load(path)


def test_damaged_and_foreign_files(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:-100]):
        path.write_bytes(content)
        with pytest.raises(TrainingError, match=r"checkpoint\.pt"):
            Checkpoint.load(path)
    torch.save({"model": torch.zeros(3)}, path)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt"):
        Checkpoint.load(path)
