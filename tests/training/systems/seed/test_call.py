"""The training call of the description: its arguments, its files, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from utkage.core.errors import ConfigError, DataError, DeviceError, UsageError, WeightsError
from utkage.models.seed.plain_state import load_plain_state
from utkage.models.weights_files import load_weights
from utkage.seed import AgeEstimationNet, AgeRangeNet, SeedEpoch, VggFace, train

SIZE = 32
Models = dict[str, nn.Module]


def models(seed: int = 0, width: float = 1 / 64) -> Models:
    torch.manual_seed(seed)
    return {
        "gender_model": VggFace(SIZE, width),
        "age_range_model": AgeRangeNet(),
        "age_estimation_model": AgeEstimationNet(),
    }


def faces(count: int = 40, size: int = SIZE) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    ages = torch.randint(1, 90, (count,), generator=generator)
    images = torch.rand((count, 3, size, size), generator=generator) * 0.2
    images += (ages / 120).view(-1, 1, 1, 1)
    return TensorDataset(images, ages, torch.arange(count) % 2)


def loader(count: int = 40, size: int = SIZE, batch_size: int = 8) -> DataLoader[Any]:
    return DataLoader(faces(count, size), batch_size=batch_size)


def test_the_call_of_the_description(tmp_path: Path) -> None:
    parts = models()
    before = [parameter.clone() for part in parts.values() for parameter in part.parameters()]
    epochs = train(
        gender_model=parts["gender_model"],
        age_range_model=parts["age_range_model"],
        age_estimation_model=parts["age_estimation_model"],
        train_data=loader(),
        device="cpu",
        weights=None,
        num_epochs=2,
        validation_split=0.2,
        save_last_weights=str(tmp_path / "AgeGenderWeights.pt"),
    )
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert epochs[0].rates == {"gender": 1e-4, "age_range": 5e-3, "age_estimation": 1e-3}
    after = [parameter for part in parts.values() for parameter in part.parameters()]
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    # Nothing but tensors, and exactly the trained models.
    state = torch.load(tmp_path / "AgeGenderWeights.pt", weights_only=True)
    assert all(isinstance(value, Tensor) for value in state.values())
    for name, part in parts.items():
        for key, tensor in part.state_dict().items():
            torch.testing.assert_close(state[f"{name}.{key}"], tensor, rtol=0, atol=0)
    assert int(state["size"]) == SIZE
    assert float(state["age_scale"]) == pytest.approx(epochs[-1].validation.mae, rel=1e-6)


def test_it_learns(tmp_path: Path) -> None:
    epochs = run(models(), tmp_path, count=120, num_epochs=12)
    assert epochs[-1].validation.mae < 0.7 * epochs[0].validation.mae


def test_weights_continue(tmp_path: Path) -> None:
    path = tmp_path / "AgeGenderWeights.pt"
    run(models(), tmp_path, num_epochs=1)
    trained = load_plain_state(path).system
    # Models that start differently end alike: what they were is replaced by the weights.
    other = models(seed=9)
    run(other, tmp_path, weights=path, num_epochs=1, save_last_weights=None)
    restarted = models(seed=3)
    run(restarted, tmp_path, weights=path, num_epochs=1, save_last_weights=None)
    for name, part in other.items():
        for key, tensor in part.state_dict().items():
            assert torch.equal(tensor, restarted[name].state_dict()[key])
    assert not torch.equal(
        trained["gender.fc7.weight"], other["gender_model"].state_dict()["fc7.weight"]
    )


def test_the_same_seed_trains_the_same(tmp_path: Path) -> None:
    one, two, other = (
        run(models(), tmp_path, num_epochs=1, seed=seed)[0].validation for seed in (4, 4, 5)
    )
    assert one == two != other


def test_the_newest_weights_answer_through_the_common_interface(tmp_path: Path) -> None:
    from utkage.exporting.parity import synthetic_chips
    from utkage.prediction.loading import load_predictor

    path = tmp_path / "AgeGenderWeights.pt"
    parts = models()
    run(parts, tmp_path, num_epochs=1)
    assert load_weights(path).card.contract.size == SIZE
    chips = synthetic_chips(5, SIZE, 0)
    predictions = load_predictor(path, flip=False).predict_chips(chips)
    images = torch.from_numpy(chips).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        ranges = parts["age_range_model"].eval()(images).argmax(1)
        ages = parts["age_estimation_model"].eval()(images, ranges)
    assert predictions.range_index.tolist() == ranges.tolist()
    assert predictions.age == pytest.approx(ages.double().numpy(), abs=1e-4)


def run(parts: Models, folder: Path, count: int = 40, **arguments: Any) -> tuple[SeedEpoch, ...]:
    settings = {
        "train_data": loader(count),
        "device": "cpu",
        "num_epochs": 1,
        "save_last_weights": folder / "AgeGenderWeights.pt",
        **arguments,
    }
    return train(**parts, **settings)


class _Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(())


class _Items(Dataset[Any]):
    def __init__(self, item: Any, count: int = 40) -> None:
        self.item, self.count = item, count

    def __len__(self) -> int:
        return self.count

    def identity(self, index: int) -> str:
        return str(index)

    def __getitem__(self, index: int) -> Any:
        return self.item


IMAGE = torch.rand(3, SIZE, SIZE)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ((IMAGE, 3), r"yields 2 items .*; a batch is \(images, ages, genders\)"),
        ({"image": IMAGE, "age": 3}, "a dictionary of image, age; a batch is"),
        ((IMAGE, "old", 1), "yields 3 items"),
        ((IMAGE[0], 3, 1), r"images \(\d+, 32, 32\); they must be \(N, 3, S, S\)"),
        ((IMAGE * 4 - 2, 3, 1), "images from -.* 0..1, as ToTensor makes them"),
        ((IMAGE, 130, 1), "ages from 130 to 130; they must be whole, 0..116"),
        ((IMAGE, 30.5, 1), "ages from 30.5 to 30.5; they must be whole"),
        ((IMAGE, 30, 2), "genders from 2 to 2; they must be whole, 0..1"),
        ((IMAGE, torch.tensor([1, 2]), 1), r"ages of shape \(\d+, 2\) for \d+ images"),
    ],
)
def test_a_loader_of_something_else(tmp_path: Path, item: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        run(models(), tmp_path, train_data=DataLoader(_Items(item), batch_size=8))


def test_loaders_that_cannot_be_divided(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="loader over a stream"):
        run(models(), tmp_path, train_data=DataLoader(_Stream(), batch_size=2))
    with pytest.raises(ConfigError, match="without a batch size"):
        run(models(), tmp_path, train_data=DataLoader(faces(), batch_size=None))
    with pytest.raises(DataError, match="1 picture: 1 for training, 0 for validation"):
        run(models(), tmp_path, train_data=DataLoader(faces(1), batch_size=2))
    for fraction in (0.0, 1.0, float("nan")):
        with pytest.raises(ConfigError, match="above 0 and below 1"):
            run(models(), tmp_path, validation_split=fraction)


class _Eight(AgeRangeNet):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images)[:, :8]


def test_models_of_another_shape(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"age_range_model returns \(\d+, 8\) .* be \(\d+, 9\)"):
        run({**models(), "age_range_model": _Eight()}, tmp_path)
    with pytest.raises(ConfigError, match=r"gender_model fails .* is for size 64"):
        run({**models(), "gender_model": VggFace(64, 1 / 64)}, tmp_path)
    with pytest.raises(ConfigError, match="age_estimation_model fails"):
        run({**models(), "age_estimation_model": AgeRangeNet()}, tmp_path)


def test_weights_of_other_models(tmp_path: Path) -> None:
    run(models(), tmp_path)
    path = tmp_path / "AgeGenderWeights.pt"
    with pytest.raises(WeightsError, match=r"do not fit the given models: .*size mismatch"):
        run(models(width=1 / 32), tmp_path, weights=path)
    with pytest.raises(UsageError, match="no such weights file"):
        run(models(), tmp_path, weights=tmp_path / "none.pt")
    torch.save({"fc.weight": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match="holds no gender_model and no age_range_model"):
        run(models(), tmp_path, weights=path)
    torch.save(models()["gender_model"], path)
    with pytest.raises(WeightsError, match="more than tensors"):
        run(models(), tmp_path, weights=path)
    path.write_bytes(b"not a zip")
    with pytest.raises(WeightsError, match="damaged"):
        run(models(), tmp_path, weights=path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_the_described_device_must_exist(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no CUDA device"):
        run(models(), tmp_path, device="cuda")
