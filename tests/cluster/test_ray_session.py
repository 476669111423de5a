from __future__ import annotations

import socket
import sys

import pytest

from utkage.cluster.ray_session import require_ray, require_reachable
from utkage.core.errors import UsageError


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'utkage\[ray\]'"):
        require_ray()


def test_an_address_without_a_cluster_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        require_reachable(f"127.0.0.1:{port}")
    with pytest.raises(UsageError, match=f"127.0.0.1:{port}: no Ray cluster can be reached"):
        require_reachable(f"127.0.0.1:{port}")


@pytest.mark.parametrize("address", ["ray://head:10001", "head:x", ":6379", "head:99999"])
def test_addresses_that_are_none(address):
    with pytest.raises(UsageError, match=f"`cluster` {address}: "):
        require_reachable(address)
