import pytest
import torch

from utkage.core import device
from utkage.core.device import Device, resolve_device
from utkage.core.errors import DeviceError


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpu_is_possible", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _=None: "Pretend GPU")


@pytest.mark.usefixtures("bare_machine")
def test_without_a_gpu() -> None:
    assert resolve_device("auto").torch == resolve_device("cpu").torch == torch.device("cpu")
    assert "no GPU" in resolve_device("auto").reason
    for choice in ("cuda", "cuda:0", "mps"):
        with pytest.raises(DeviceError, match=f"`device` {choice}: .*`device=auto`"):
            resolve_device(choice)


@pytest.mark.usefixtures("two_gpus")
def test_with_gpus() -> None:
    assert resolve_device("auto") == Device("cuda", "Pretend GPU is available")
    assert resolve_device("cuda:1").torch == torch.device("cuda:1")
    with pytest.raises(DeviceError, match="cuda:2: there are 2 CUDA devices"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("choice", ["", "gpu", "cuda:x", "cuda:-1", "cpu:0", "CUDA", "mps:0"])
def test_unknown_names_are_refused(choice: str) -> None:
    with pytest.raises(DeviceError, match=f"`device` {choice}: unknown; choose one of auto"):
        resolve_device(choice)
