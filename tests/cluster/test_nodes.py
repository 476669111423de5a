from __future__ import annotations

import copy
import hashlib

import pytest

from utkage.cluster.nodes import PoolSize, _probe_of, difference, pool_size
from utkage.core.errors import UsageError


def test_one_worker_for_each_core_or_gpu():
    assert pool_size({"CPU": 3.0}, "cpu", None) == PoolSize(least=3, most=3, cpus=1, gpus=0)
    assert pool_size({"CPU": 3.0}, "auto", 2) == PoolSize(least=2, most=2, cpus=1, gpus=0)
    # A cluster that grows.
    assert pool_size({"CPU": 3.0}, "auto", 40) == PoolSize(least=3, most=40, cpus=1, gpus=0)
    assert pool_size({}, "auto", 40) == PoolSize(least=1, most=40, cpus=1, gpus=0)
    gpus = {"CPU": 16.0, "GPU": 4.0}
    assert pool_size(gpus, "cuda", None) == PoolSize(least=4, most=4, cpus=4, gpus=1)
    assert pool_size(gpus, "cpu", None) == PoolSize(least=16, most=16, cpus=1, gpus=0)
    assert pool_size({"CPU": 1.0, "GPU": 2.0}, "auto", None).cpus == 1


@pytest.mark.parametrize(
    ("resources", "device", "message"),
    [
        ({"CPU": 2.0}, "cuda", "the cluster has no GPU"),
        ({"CPU": 2.0, "GPU": 1.0}, "cuda:1", "use `device=cuda`"),
        ({}, "auto", "no core for a worker"),
    ],
)
def test_a_cluster_without_what_is_needed(resources, device, message):
    with pytest.raises(UsageError, match=message):
        pool_size(resources, device, None)


def test_nodes_are_compared(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text("{}")
    missing = str(tmp_path / "missing")
    expected = _probe_of(("utkage", "no-such-package"), [str(file), missing])()
    assert expected["versions"]["no-such-package"] is None
    assert expected["files"] == {
        str(file): hashlib.sha256(b"{}").hexdigest(),
        missing: None,
    }
    del expected["versions"]["no-such-package"]
    assert difference(expected, expected) is None
    for name, value, message in (
        ("utkage", "9.9", "has utkage 9.9, this process has"),
        ("utkage", None, "utkage is not installed there"),
        ("python", "3.9", "has python 3.9"),
    ):
        other = copy.deepcopy(expected)
        other["versions"][name] = value
        assert message in (difference(expected, other) or "")
    other = copy.deepcopy(expected)
    other["files"][str(file)] = None
    assert "does not see" in (difference(expected, other) or "")
