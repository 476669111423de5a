"""Only addresses of the public internet count as public, whatever form they have."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from utkage.images.public_addresses import PrivateAddressError, connect, is_public, require_public


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1"),
        *("168.63.129.16", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1"),
        *("ff02::1", "2001:db8::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:a00:1"),
        *("::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2002:c0a8:101::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
        *("2001:470::5efe:10.0.0.1", "2001:470::200:5efe:127.0.0.1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.216.34", "1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1"),
        *("2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::808:808", "2002:808:808::1"),
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_this_machine_under_any_name_is_not_connected_to(host: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        with pytest.raises(PrivateAddressError, match="no public address"):
            connect(host, port, timeout=2, only_public=True)
        with pytest.raises(PrivateAddressError):
            require_public(host, port)
        with pytest.raises(TimeoutError):
            server.accept()
        connect(host, port, timeout=2, only_public=False).close()


def test_a_name_that_only_a_proxy_resolves_passes() -> None:
    require_public("picture.invalid", 80)
