"""Threads sleep while they wait, and there are as many as requested."""

import os
import subprocess
import sys

import pytest

from utkage.core import threads
from utkage.core.errors import ConfigError
from utkage.core.threads import use_threads

# What the environment holds when a command first imports PyTorch.
PROBE = """
import os, sys
from typer.testing import CliRunner
from utkage.cli.app import app
assert "torch" not in sys.modules
CliRunner().invoke(app, ["recipes"])
print(os.environ.get("OMP_WAIT_POLICY"), "torch" in sys.modules)
"""


@pytest.mark.parametrize(("given", "expected"), [(None, "passive"), ("active", "active")])
def test_the_wait_policy_is_chosen_before_torch_is_loaded(given: str | None, expected: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == [expected, "False"], done.stderr


def test_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    former = torch.get_num_threads()
    try:
        monkeypatch.setattr(threads, "processor_limit", lambda: None)
        use_threads(3)
        assert torch.get_num_threads() == 3
        use_threads(None)
        assert torch.get_num_threads() == 3
        monkeypatch.setattr(threads, "processor_limit", lambda: 2)
        use_threads(None)
        assert torch.get_num_threads() == 2
        use_threads(3)
        assert torch.get_num_threads() == 3, "the user decides"
    finally:
        torch.set_num_threads(former)
    with pytest.raises(ConfigError, match="`threads` 0: use 1 or more"):
        use_threads(0)
