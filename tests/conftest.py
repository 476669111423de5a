"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from utkage.data.labels import AGE_COUNT, range_index
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.prediction.predictions import Predictions

pytest_plugins = [
    "archive_fixtures",
    "axe_fixtures",
    "chip_fixtures",
    "few_chips",
    "picture_fixtures",
]

MadeOnce = Callable[[str, Callable[[Path], object]], Path]
LabelledPredictionsOf = Callable[..., LabelledPredictions]

ROOT = Path(__file__).resolve().parent.parent

# The time of an example depends on what else the machine does.
settings.register_profile("utkage", deadline=None)
settings.load_profile("utkage")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: their content may hold the time, and workers must agree."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with slow tests first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """A folder that the first process that asks for its name fills, for those of all workers.

    Tests must not change it.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder = base / name
        with FileLock(base / f"{name}.lock"):
            if not folder.exists():
                partial = tmp_path_factory.mktemp(name)
                fill(partial)
                partial.rename(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that the tests run in."""
    return ROOT


@pytest.fixture(scope="session")
def examples(repository: Path) -> Path:
    """The committed synthetic pictures."""
    return repository / "examples"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Where real pictures lie; they are never part of the repository."""
    folder = Path(os.environ.get("UTKAGE_TEST_DATA", ROOT.parent / "shared"))
    if not (folder / "data" / "UTKFace.tar.gz").is_file():
        pytest.skip(f"no real pictures: {folder}/data/UTKFace.tar.gz is not there")
    return folder


@pytest.fixture(scope="session")
def labelled_predictions_of() -> LabelledPredictionsOf:
    """Faces of two sources, some with copies, and predictions that err by a few years."""

    def make(count: int, seed: int = 0, error: float = 5.0) -> LabelledPredictions:
        random = np.random.default_rng(seed)
        ages = random.integers(0, 100, count)
        genders = random.integers(0, 2, count)
        age = np.clip(ages + random.normal(0, error, count), 0, 116)
        distance = (np.arange(AGE_COUNT) - age[:, None]) / 4
        distribution = np.exp(-0.5 * distance**2)
        distribution /= distribution.sum(axis=1, keepdims=True)
        ranges = np.zeros((count, 9))
        for year in range(AGE_COUNT):
            ranges[:, range_index(year)] += distribution[:, year]
        female = 1 / (1 + np.exp(-random.normal(3 * (2 * genders - 1), 2.5)))
        predictions = Predictions(age, distribution, ranges, female)
        names = np.unique(random.integers(0, max(1, count * 9 // 10), count), return_inverse=True)
        return LabelledPredictions(
            sources=tuple("one" if index % 3 else "two" for index in range(count)),
            names=tuple(f"{index}.jpg" for index in range(count)),
            groups=names[1].astype(np.int64),
            ages=ages.astype(np.int64),
            genders=genders.astype(np.int64),
            races=random.integers(-1, 5, count).astype(np.int64),
            age=age,
            p_female=female,
            range_index=predictions.range_index,
            predictions=predictions,
        )

    return make
