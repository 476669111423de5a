import pytest
import torch

from utkage.core.errors import DeviceError
from utkage.engines.device import choose_device


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "Pretend GPU")


@pytest.mark.usefixtures("bare_machine")
def test_without_a_gpu() -> None:
    assert choose_device("auto")[0] == choose_device("cpu")[0] == torch.device("cpu")
    assert "no GPU" in choose_device("auto")[1]
    for choice in ("cuda", "cuda:0", "mps"):
        with pytest.raises(DeviceError, match=f"--device {choice}: .*--device auto"):
            choose_device(choice)


@pytest.mark.usefixtures("two_gpus")
def test_with_gpus() -> None:
    assert choose_device("auto") == (torch.device("cuda"), "Pretend GPU is available")
    assert choose_device("cuda:1")[0] == torch.device("cuda:1")
    with pytest.raises(DeviceError, match="cuda:2: there are 2 CUDA devices"):
        choose_device("cuda:2")


@pytest.mark.parametrize("choice", ["", "gpu", "cuda:x", "cuda:-1", "cpu:0", "CUDA", "mps:0"])
def test_unknown_names(choice: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {choice}: unknown; choose one of auto"):
        choose_device(choice)
