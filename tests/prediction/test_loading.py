"""Both engines predict alike, for shipped and for other weights, with and without torch."""

import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from cards import card_of

from utkage.core import device
from utkage.core.errors import ConfigError, UsageError, WeightsError
from utkage.exporting.onnx_file import write_onnx
from utkage.exporting.parity import compare, synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import POINT_ESTIMATES, Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.export_graph import ExportGraph
from utkage.models.export_metadata import card_metadata
from utkage.models.locate import shipped_weights
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, rewrite_card, save_weights
from utkage.models.weights_files import LoadedWeights, read_card
from utkage.prediction.chip_predictor import ChipPredictor, TorchPredictor
from utkage.prediction.loading import load_predictor
from utkage.prediction.onnx_predictor import OnnxPredictor, find_template
from utkage.prediction.predict import PredictRequest, predict

Lively = Callable[..., MultiTaskNet]

CALIBRATION = Calibration(
    gender_temperature=0.7,
    range_temperature=1.6,
    levels=LEVELS,
    bands=(AgeBand(0, 500, tuple(x / 2 for x in LEVELS)),),
)


@pytest.fixture
def trained(lively_network: Lively, tmp_path: Path) -> Path:
    """Weights of the shipped architecture, with other values and for chips of 64 pixels."""
    path = tmp_path / "best.safetensors"
    card = card_of("mobilenet_v1")
    seen = torch.tensor([-5, 7, 2**31 - 1], dtype=torch.int32)
    save_weights(path, Weights(card, lively_network("mobilenet_v1").state_dict(), seen))
    return path


def same(first: ChipPredictor, second: ChipPredictor, chips: np.ndarray) -> None:
    """Within the limits of an exported file, and closer where it can be."""
    found = [own.predict_chips(chips) for own in (first, second)]
    compare(found[0], found[1], first.card.point_estimate).require(Path("skeleton"))
    one, other = first.predict_chips(chips), second.predict_chips(chips)
    for name in ("age_distribution", "range_probabilities", "p_female"):
        found, expected = getattr(other, name), getattr(one, name)
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=name)
    assert one.calibration == other.calibration
    np.testing.assert_allclose(other.age_interval(0.8), one.age_interval(0.8), atol=0.01)


@pytest.mark.parametrize("flip", [True, False])
def test_the_shipped_weights_answer_alike(flip: bool) -> None:
    runtime, pytorch = (
        load_predictor("shipped", flip=flip, engine=engine) for engine in ("onnx", "torch")
    )
    assert isinstance(runtime, OnnxPredictor)
    assert isinstance(pytorch, TorchPredictor)
    assert (runtime.engine, pytorch.engine) == ("onnx", "torch")
    assert runtime.card == pytorch.card
    chips = synthetic_chips(9, 192)
    same(pytorch, runtime, chips)
    same(pytorch, runtime, chips[:1])
    assert pytorch.predict_chips(chips).age.std() > 1


@pytest.mark.parametrize("calibration", [None, CALIBRATION])
@pytest.mark.parametrize("estimate", POINT_ESTIMATES)
def test_what_the_card_chooses_is_chosen_in_both(
    estimate: str, calibration: Calibration | None, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    card = replace(read_card(shipped_weights()), point_estimate=estimate, calibration=calibration)
    rewrite_card(shipped_weights(), card, path)
    runtime, pytorch = (load_predictor(path, engine=engine) for engine in ("onnx", "torch"))
    chips = synthetic_chips(7, 192)
    same(pytorch, runtime, chips)
    predictions = runtime.predict_chips(chips)
    if estimate == "whole-year median":
        assert (predictions.age == predictions.age.round()).all()
    elif estimate == "mean":
        np.testing.assert_allclose(
            predictions.age, predictions.age_distribution @ np.arange(117), atol=0.01
        )
    # Temperatures take the range probabilities away from the sums of the distribution.
    sums = predictions.age_distribution[:, :5].sum(axis=1)
    agree = np.allclose(predictions.range_probabilities[:, 0], sums, atol=1e-4)
    assert agree == (calibration is None)


@pytest.mark.parametrize("flip", [True, False])
def test_a_training_of_that_backbone_is_served_too(trained: Path, flip: bool) -> None:
    first, second = (load_predictor(trained, flip=flip, engine=name) for name in ("torch", "onnx"))
    same(first, second, synthetic_chips(5, 64))
    assert first.predict_chips(synthetic_chips(5, 64)).age.std() > 0.01


def test_auto_takes_what_there_is(
    trained: Path, lively_network: Lively, card: Card, tmp_path: Path
) -> None:
    assert load_predictor(trained).engine == "onnx"
    assert load_predictor(trained, device=torch.device("cpu")).engine == "onnx"
    other = tmp_path / "other.safetensors"
    none = torch.empty(0, dtype=torch.int32)
    save_weights(other, Weights(card, lively_network().state_dict(), none))
    assert load_predictor(other).engine == "torch"
    with pytest.raises(UsageError, match=r"no ONNX graph for mobilenet_v3_small; write one with"):
        load_predictor(other, engine="onnx")
    assert find_template(replace(card, system="seed"), flip=True) is None
    coral = replace(card, backbone="mobilenet_v1", age_head="coral")
    assert find_template(coral, flip=True) is None


def test_where_a_gpu_is_chosen(monkeypatch: pytest.MonkeyPatch, trained: Path) -> None:
    def no_torch() -> None:
        raise AssertionError

    monkeypatch.setattr(device, "gpu_is_possible", lambda: False)
    monkeypatch.setattr(device, "_best_device", no_torch)
    assert device.resolve_device("auto").is_cpu
    assert device.resolve_device("cpu").is_cpu
    monkeypatch.setattr(device, "gpu_is_possible", lambda: True)
    monkeypatch.setattr(device, "_best_device", lambda: device.Device("cuda", "pretend"))
    assert device.resolve_device("cpu").is_cpu
    assert not device.resolve_device("auto").is_cpu
    with pytest.raises(UsageError, match="`engine=onnx` runs on the CPU"):
        load_predictor(trained, device="auto", engine="onnx")


def test_unknown_engines_and_tensors_that_do_not_fit(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose one of auto, onnx, torch"):
        load_predictor(trained, engine="tensorflow")
    state = {"age.weight": torch.zeros(117, 256)}
    none = torch.empty(0, dtype=torch.int32)
    save_weights(tmp_path / "a.safetensors", Weights(read_card(trained), state, none))
    with pytest.raises(WeightsError, match=r"a\.safetensors: tensors do not fit mobilenet_v1"):
        load_predictor(tmp_path / "a.safetensors", engine="onnx")


@pytest.mark.slow
def test_an_exported_file_is_weights_as_any_other(
    trained: Path, lively_network: Lively, examples: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.onnx"
    card, seen = read_card(trained), LoadedWeights(trained).fingerprints
    graph = ChipGraph(lively_network("mobilenet_v1"), card.point_estimate, flip=True)
    whole = ExportGraph(graph, card, interval=0.8)
    write_onnx(whole, path, card_metadata(card, seen, flip=True))
    assert read_card(path) == card
    assert LoadedWeights(path).fingerprints.tolist() == seen.tolist() == [-5, 7, 2**31 - 1]
    same(load_predictor(trained, engine="torch"), load_predictor(path), synthetic_chips(5, 64))
    with pytest.raises(UsageError, match="is an ONNX file"):
        load_predictor(path, engine="torch")
    with pytest.raises(UsageError, match="which `flip=False` cannot undo"):
        load_predictor(path, flip=False)
    photo = str(examples / "portrait.jpg")
    rows = [
        list(predict(PredictRequest(inputs=(photo,), weights=str(file))))
        for file in (path, trained)
    ]
    assert rows[0] == rows[1]
    assert rows[0][0].status == "ok"


def test_files_that_are_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"no graph")
    for read in (read_card, lambda path: LoadedWeights(path).fingerprints, load_predictor):
        with pytest.raises(WeightsError, match=r"a\.onnx: not an ONNX file that can be run"):
            read(path)
    with pytest.raises(UsageError, match="no such"):
        read_card(tmp_path / "b.onnx")


def test_one_photograph_needs_neither_torch_nor_long(examples: Path) -> None:
    code = (
        "import sys; from utkage.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'torch', 'onnx', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    arguments = ["predict", str(examples / "portrait.jpg"), "--weights", "shipped", "--csv"]
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.stdout.strip().splitlines()[-1] == "set()"
        assert "engine onnx" in done.stderr
        assert "female" in done.stdout
    # Time on the processor, which other processes do not lengthen as they do wall time.
    assert min(seconds) < 1.5, seconds


@pytest.mark.slow
def test_the_skeletons_in_the_package_follow_from_the_architecture_alone(tmp_path: Path) -> None:
    """Made with other weights and another card, they are the same."""
    from utkage.exporting.graph_template import write_templates

    card = read_card(shipped_weights())
    other = replace(card, contract=card.contract.at_size(64), point_estimate="mean")
    torch.manual_seed(1)
    # One of the three; all come out of the same few lines, and each takes a long time.
    other = replace(other, calibration=CALIBRATION, metrics={})
    (path,) = write_templates(other, tmp_path, views=(card.mirrored_view,))
    packed = find_template(card, flip=True)
    assert packed is not None
    fresh, stored = (onnx.load(p, load_external_data=False) for p in (path, packed))
    # Other versions of the exporter may name and order nodes otherwise.
    kinds = [sorted(node.op_type for node in model.graph.node) for model in (fresh, stored)]
    assert kinds[0] == kinds[1], "run python -m tools.release graphs"
    assert named_tensors(fresh) == named_tensors(stored)
    assert constants(fresh) == constants(stored)
    assert packed.stat().st_size < 100_000
    assert str(Path(__file__).parents[2]).encode() not in packed.read_bytes()


def named_tensors(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return {t.name: tuple(t.dims) for t in model.graph.initializer if t.external_data}


def constants(model: onnx.ModelProto) -> list[bytes]:
    return sorted(t.raw_data for t in model.graph.initializer if not t.external_data)
