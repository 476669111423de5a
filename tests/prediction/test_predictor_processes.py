"""One ``Predictor`` in other processes: forked, spawned, in another folder, with other weights."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from utkage import FaceRow, Predictor
from utkage.core.errors import UsageError
from utkage.models.locate import shipped_weights
from utkage.prediction.predictor import PredictSettings

METHODS = multiprocessing.get_all_start_methods()
# Longer than any start of a process on a busy machine; a process that hangs takes for ever.
PATIENCE = 90


class Inherited:
    """What forked processes find in their memory."""

    predictor: Predictor | None = None


def predict(predictor: Predictor, path: str, folder: str | None = None) -> list[FaceRow]:
    if folder is not None:
        os.chdir(folder)
    return list(predictor.predict(path))


def predict_inherited(path: str) -> list[FaceRow]:
    assert Inherited.predictor is not None
    return list(Inherited.predictor.predict(path))


@pytest.fixture(scope="module")
def path(examples: Path) -> str:
    return str(examples / "couple.jpg")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.shipped(flip=False)


@pytest.mark.parametrize("method", METHODS)
def test_a_pickled_predictor_gives_the_same_rows(
    method: str, predictor: Predictor, path: str, tmp_path: Path
) -> None:
    expected = list(predictor.predict(path))
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        found = pool.submit(predict, predictor, path, str(tmp_path))
        assert found.result(PATIENCE) == expected


@pytest.mark.skipif("fork" not in METHODS, reason="fork of POSIX")
@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_forked_process_predicts(
    engine: str, path: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The parent has used its threads, which the children do not have."""
    if engine == "torch":
        import torch

        # Threads of OpenMP start with the first work that is divided among them.
        request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
        torch.set_num_threads(2)
        (torch.ones(2000, 2000) @ torch.ones(2000, 2000)).exp().sum()
    own = Predictor.shipped(flip=False, engine=engine)
    expected = list(own.predict(path))
    monkeypatch.setattr(Inherited, "predictor", own)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        inherited = pool.submit(predict_inherited, path)
        pickled = pool.submit(predict, own, path)
        try:
            assert inherited.result(PATIENCE) == expected
            assert pickled.result(PATIENCE) == expected
        except TimeoutError:
            for process in pool._processes.values():
                process.kill()
            raise
    assert list(own.predict(path)) == expected


def test_threads_and_a_process_at_once(predictor: Predictor, path: str) -> None:
    expected = list(predictor.predict(path))
    ended = threading.Event()

    def work() -> list[FaceRow]:
        rows = []
        while not ended.is_set():
            rows = list(predictor.predict(path))
        return rows

    context = multiprocessing.get_context("spawn")
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(1, mp_context=context) as pool:
        busy = [threads.submit(work) for _ in range(2)]
        try:
            assert pool.submit(predict, predictor, path).result(PATIENCE) == expected
        finally:
            ended.set()
        assert [future.result(PATIENCE) for future in busy] == [expected] * 2


def test_weights_that_were_replaced_are_not_pickled(tmp_path: Path) -> None:
    weights = tmp_path / "own.safetensors"
    shutil.copy(shipped_weights(), weights)
    predictor = Predictor(PredictSettings(weights=str(weights), crop="none"))
    content = pickle.dumps(predictor)
    assert pickle.loads(content).weights.path == weights
    other = tmp_path / "other"
    other.write_bytes(weights.read_bytes() + b"\0")
    other.replace(weights)
    with pytest.raises(UsageError, match=r"own\.safetensors: has changed since"):
        pickle.dumps(predictor)
    with pytest.raises(UsageError, match=r"own\.safetensors: holds other weights"):
        pickle.loads(content)
    weights.unlink()
    with pytest.raises(UsageError, match="no such weights file"):
        pickle.loads(content)


def test_relative_paths_are_those_of_the_first_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(shipped_weights(), "own.safetensors")
    settings = PredictSettings(weights="own.safetensors", crop="none", detector="yunet:a.onnx")
    predictor = Predictor(settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        Path("own.safetensors").stat()
    copy = pickle.loads(pickle.dumps(predictor))
    assert copy.weights.path == tmp_path / "own.safetensors"
    assert copy.settings.detector == f"yunet:{tmp_path / 'a.onnx'}"
