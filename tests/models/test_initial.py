"""Where a training starts: every --init with what it gives and what it refuses."""

import importlib.util
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from cards import card_of
from dlib_files import face_resnet, made_weights
from safetensors.torch import save_file

from utkage.core.errors import UsageError, WeightsError
from utkage.data.chips import LabelledChips
from utkage.exporting.parity import synthetic_chips
from utkage.faces.contract import utkface_contract
from utkage.models import dlib_weights
from utkage.models.initial import InitialNetwork, initial_margin, initial_network, resolve_initial
from utkage.models.locate import shipped_weights
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import BACKBONES, get_backbone
from utkage.models.weights import Weights, save_weights
from utkage.models.weights_files import LoadedWeights, load_weights


@pytest.fixture(scope="module")
def chips() -> LabelledChips:
    count = 20
    numbers = np.arange(count, dtype=np.int64)
    return LabelledChips(
        pixels=synthetic_chips(count, 64, seed=1),
        rows=numbers,
        sources=("drawn",) * count,
        names=tuple(f"{number}.jpg" for number in numbers),
        ages=numbers + 20,
        genders=numbers % 2,
        races=np.full(count, -1, dtype=np.int64),
        pixel_hashes=tuple(f"{number:064x}" for number in numbers),
        contract=utkface_contract(64),
    )


def start(init: str, backbone: str, chips: LabelledChips, *, allow: bool = False) -> InitialNetwork:
    return initial_network(init, backbone, 4, chips, chips.contract, allow_download=allow)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


@pytest.mark.parametrize("name", BACKBONES)
def test_scratch_is_random_by_seed(name: str, chips: LabelledChips) -> None:
    found = start("scratch", name, chips)
    assert (found.identity, found.lineage) == ("scratch", ("random initial weights",))
    assert len(found.fingerprints) == 0
    assert found.network.training
    assert same(found.network, start("scratch", name, chips).network)
    other = initial_network("scratch", name, 5, chips, chips.contract, allow_download=False)
    assert not same(found.network, other.network)


def test_the_shipped_weights_fill_the_network(chips: LabelledChips) -> None:
    found = start("shipped", "mobilenet_v1", chips)
    weights = load_weights(shipped_weights())
    for name, value in found.network.state_dict().items():
        assert torch.equal(value, weights.state[name]), name
    assert found.network.training
    assert found.lineage == weights.card.lineage
    assert found.fingerprints.tolist() == weights.fingerprints.tolist()
    assert len(found.identity) == 16


@pytest.mark.parametrize(
    ("backbone", "ways"),
    [
        ("resnet50", "`init=scratch`, or `init=torchvision` with `allow_download=True`"),
        ("dlib_face_resnet", "`init=scratch`, or `init=dlib`"),
    ],
)
def test_another_backbone_names_the_alternatives(
    backbone: str, ways: str, chips: LabelledChips
) -> None:
    with pytest.raises(UsageError, match=f"holds mobilenet_v1, not {backbone}.*{ways}"):
        start("shipped", backbone, chips)


def test_a_weights_file_fills_the_network(tmp_path: Path, chips: LabelledChips) -> None:
    torch.manual_seed(7)
    network = MultiTaskNet("resnet18")
    card = card_of(
        "resnet18",
        lineage=("one", "two"),
    )
    path = tmp_path / "ours.safetensors"
    save_weights(path, Weights(card, network.state_dict(), torch.tensor([5, 9])))
    found = start(str(path), "resnet18", chips)
    assert same(found.network, network)
    assert found.lineage == ("one", "two")
    assert found.fingerprints.tolist() == [5, 9]
    # By content, not by name.
    again = path.rename(tmp_path / "moved.safetensors")
    assert start(str(again), "resnet18", chips).identity == found.identity


def test_a_file_of_another_system_is_refused(tmp_path: Path, chips: LabelledChips) -> None:
    path = tmp_path / "seed.safetensors"
    card = card_of("vgg_face", system="seed")
    save_weights(path, Weights(card, {"x": torch.zeros(2)}, torch.empty(0)))
    with pytest.raises(UsageError, match=r"seed\.safetensors: holds a 'seed' system"):
        start(str(path), "mobilenet_v1", chips)


def test_missing_and_other_files_are_refused(tmp_path: Path, chips: LabelledChips) -> None:
    with pytest.raises(UsageError, match=r"none\.safetensors: no such weights file"):
        start(str(tmp_path / "none.safetensors"), "mobilenet_v1", chips)
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(WeightsError, match=r"text\.safetensors: not a safetensors file"):
        start(str(tmp_path / "text.safetensors"), "mobilenet_v1", chips)
    save_file({"conv_pw_13.weight": torch.zeros(1)}, tmp_path / "half.safetensors")
    with pytest.raises(WeightsError, match="faceres weights lack the tensor"):
        start(str(tmp_path / "half.safetensors"), "mobilenet_v1", chips)


IMAGENET = [name for name, spec in BACKBONES.items() if spec.imagenet]


@pytest.mark.parametrize("name", IMAGENET)
def test_downloads_have_to_be_allowed(name: str, chips: LabelledChips) -> None:
    with pytest.raises(UsageError, match=r"IMAGENET1K.*`allow_download=True`"):
        start("torchvision", name, chips)


def test_all_torchvision_backbones_have_published_weights() -> None:
    from torchvision.models import get_weight

    assert len(IMAGENET) == 6
    for name in IMAGENET:
        published = get_backbone(name).imagenet
        assert published is not None
        weights = get_weight(published.name)
        assert type(weights).DEFAULT is weights
        # The right ones: resnet50's for resnet50.
        assert Path(weights.url).name.startswith(f"{name}")


@pytest.mark.parametrize("name", ["mobilenet_v1", "dlib_face_resnet"])
def test_not_every_backbone_is_in_torchvision(name: str, chips: LabelledChips) -> None:
    with pytest.raises(UsageError, match=f"no weights for {name}, only for mobilenet_v3_small,"):
        start("torchvision", name, chips, allow=True)


@pytest.fixture
def torch_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch keeps what it downloads; torch.hub reads the variable at each call."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", IMAGENET)
def test_imagenet_weights_fill_the_backbone(
    name: str, chips: LabelledChips, torch_cache: Path
) -> None:
    from torchvision.models import get_model, get_weight

    published = get_backbone(name).imagenet
    assert published is not None
    torch.manual_seed(11)
    whole = get_model(name, weights=None).eval()
    torch.save(whole.state_dict(), torch_cache / Path(get_weight(published.name).url).name)
    found = start("torchvision", name, chips, allow=True)
    assert found.identity == published.name
    assert published.name in found.lineage[0]
    # The layers below the classifier compute the same as in the whole network.
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen: list[torch.Tensor] = []
    last = [module for module in whole.modules() if isinstance(module, torch.nn.Linear)]
    first_linear = whole.fc if hasattr(whole, "fc") else whole.classifier
    head = next(module for module in first_linear.modules() if module in last)
    head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        whole(x)
        torch.testing.assert_close(found.network.eval().backbone(x), seen[0])
    # The heads are those that the seed makes.
    scratch = start("scratch", name, chips).network
    assert torch.equal(found.network.hidden.weight, scratch.hidden.weight)


def test_a_failed_download_is_explained(
    chips: LabelledChips,
    torch_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def unreachable(*arguments: object, **settings: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(WeightsError, match=r"ResNet18_Weights.*no route to host.*`init=scratch`"):
        start("torchvision", "resnet18", chips, allow=True)
    assert capsys.readouterr().out == "", "stdout is for data"


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 half a file"])
def test_a_damaged_download_is_explained(
    chips: LabelledChips, torch_cache: Path, content: bytes
) -> None:
    (torch_cache / "resnet18-f37072fd.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="ResNet18_Weights"):
        start("torchvision", "resnet18", chips, allow=True)


@pytest.mark.parametrize("name", ["mobilenet_v1", "resnet50"])
def test_dlib_is_for_its_backbone(name: str, chips: LabelledChips) -> None:
    with pytest.raises(UsageError, match="`backbone=dlib_face_resnet` only"):
        start("dlib", name, chips)


def test_dlib_needs_its_package(chips: LabelledChips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_weights, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'utkage\[dlib\]'"):
        start("dlib", "dlib_face_resnet", chips)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed face-recognition-models that cannot be imported, as without pkg_resources."""
    folder = tmp_path / "face_recognition_models"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('pkg_resources')\n")
    (folder / dlib_weights.FILE).write_bytes(face_resnet(made_weights()))
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return folder


def test_dlib_weights_fill_the_backbone(chips: LabelledChips, package: Path) -> None:
    found = start("dlib", "dlib_face_resnet", chips)
    assert "CC0" in found.lineage[0]
    assert found.network.training
    weights = made_weights()
    convolution = found.network.backbone.stem.conv  # type: ignore[union-attr]
    assert np.array_equal(convolution.weight.detach().numpy(), weights.convolutions[0].weight)
    # Batch norms were measured on the chips: no unit keeps the mean of zero it was made with.
    for unit in found.network.backbone.convolutions():  # type: ignore[operator]
        assert float(unit.norm.running_mean.abs().max()) > 0
    again = start("dlib", "dlib_face_resnet", chips)
    assert (again.identity, len(found.identity)) == (found.identity, 16)
    assert same(again.network, found.network)


def test_a_damaged_dlib_file_is_refused(chips: LabelledChips, package: Path) -> None:
    path = package / dlib_weights.FILE
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightsError, match=r"resnet_model_v1\.dat: .*install"):
        start("dlib", "dlib_face_resnet", chips)
    path.unlink()
    with pytest.raises(UsageError, match="face-recognition-models"):
        start("dlib", "dlib_face_resnet", chips)


def test_the_margin_is_that_of_the_initial_weights() -> None:
    assert initial_margin("scratch") == initial_margin("torchvision") == initial_margin("dlib") == 0
    assert initial_margin("shipped") == pytest.approx(0.1)
    with pytest.raises(UsageError, match=r"none\.safetensors"):
        initial_margin("none.safetensors")


def test_a_file_is_resolved_once(
    chips: LabelledChips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "a"
    run.mkdir(parents=True)
    shutil.copy(shipped_weights(), run / "best.safetensors")
    found = resolve_initial("auto")
    assert isinstance(found, LoadedWeights)
    assert found.path.resolve() == run / "best.safetensors"
    # Another run that ends now must not give the network where the first gave the margin.
    later = tmp_path / "runs" / "b"
    later.mkdir()
    (later / "best.safetensors").write_bytes(b"unfinished")
    assert initial_margin(found) == pytest.approx(0.1)
    contract = chips.contract
    start = initial_network(found, "mobilenet_v1", 0, chips, contract, allow_download=False)
    assert start.identity == found.file_hash
    assert resolve_initial("scratch") == "scratch"
    with pytest.raises(UsageError, match=r"none\.safetensors"):
        resolve_initial("none.safetensors")
