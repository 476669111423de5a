from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from utkage.core.errors import UsageError, WeightsError
from utkage.exporting.parity import synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import POINT_ESTIMATES, Card
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.onnx_predictor import (
    OnnxPredictor,
    card_tensors,
    find_template,
    open_onnx_file,
    open_with_template,
    session_options,
    template_name,
)


@pytest.fixture(scope="module")
def shipped() -> LoadedWeights:
    return LoadedWeights(shipped_weights())


@pytest.fixture(scope="module")
def template(shipped: LoadedWeights) -> Path:
    found = find_template(shipped.card, flip=False)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("flip", "name"), [(True, "mobilenet_v1.coral.flip.onnx"), (False, "mobilenet_v1.coral.onnx")]
)
def test_the_name_of_a_template(card: Card, flip: bool, name: str) -> None:
    assert template_name(replace(card, backbone="mobilenet_v1", age_head="coral"), flip) == name


def test_only_packed_templates_are_found(card: Card, template: Path) -> None:
    assert template.name == "mobilenet_v1.softmax.onnx"
    assert find_template(card, flip=True) is None, "another backbone"
    assert find_template(replace(card, system="seed"), flip=True) is None


@pytest.mark.parametrize("estimate", POINT_ESTIMATES)
def test_the_choices_of_a_card_are_tensors(card: Card, estimate: str) -> None:
    calibration = Calibration(
        gender_temperature=0.7,
        range_temperature=1.6,
        levels=LEVELS,
        bands=(AgeBand(0, 500, LEVELS),),
    )
    plain = card_tensors(replace(card, point_estimate=estimate))
    assert POINT_ESTIMATES[int(plain["estimate"].argmax())] == estimate
    assert plain["estimate"].sum() == 1
    assert (plain["range_temperature"], plain["gender_temperature"]) == ([1], [1])
    found = card_tensors(replace(card, calibration=calibration))
    assert found["range_temperature"] == np.float32(1.6)
    assert found["gender_temperature"] == np.float32(0.7)
    assert {tensor.dtype for tensor in found.values()} == {np.dtype(np.float32)}


def test_a_predictor_is_opened_again_after_pickling(template: Path, shipped: LoadedWeights) -> None:
    predictor = open_with_template(template, shipped, threads=1)
    chips = synthetic_chips(2, shipped.card.contract.size)
    found = predictor.predict_chips(chips)
    assert found.age.shape == (2,)
    again = pickle.loads(pickle.dumps(predictor)).predict_chips(chips)
    np.testing.assert_array_equal(again.age_distribution, found.age_distribution)
    with pytest.raises(UsageError, match="take uint8 RGB"):
        predictor.predict_chips(chips.astype(np.float32))


def test_a_session_alone_cannot_be_pickled(card: Card) -> None:
    with pytest.raises(TypeError, match="opened from files"):
        pickle.dumps(OnnxPredictor(None, card, Path("x.onnx")))


def test_tensors_that_do_not_fit_are_refused(
    template: Path, shipped: LoadedWeights, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    with safe_open(shipped.path, "numpy") as file:
        metadata = file.metadata()
    arrays = load_file(shipped.path)
    name = next(name for name in arrays if name.endswith("age.weight"))
    arrays[name] = arrays[name][:, :-1].copy()
    save_file(arrays, path, metadata)
    with pytest.raises(WeightsError, match=r"other\.safetensors: tensors do not fit mobilenet_v1"):
        open_with_template(template, LoadedWeights(path))


def test_other_files_are_no_exports(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"x\.onnx"):
        open_onnx_file(tmp_path / "x.onnx")


def test_the_number_of_threads_is_a_choice() -> None:
    assert [session_options(threads).intra_op_num_threads for threads in (0, 3)] == [0, 3]
