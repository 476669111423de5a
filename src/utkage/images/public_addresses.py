"""Which addresses of the network are public, and connections to no others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

# Special networks that not every version of Python lists, and the metadata service of Azure, whose
# address would be public elsewhere.
_SPECIAL = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"),
            *("2001::/23", "2001:db8::/32", "3fff::/20"),
        ),
    )
)
# All public addresses of IPv6 are here.
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# Gateways from IPv6 to the IPv4 address in the last four bytes (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
# The bytes before an IPv4 address in ISATAP addresses (RFC 5214).
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


class PrivateAddressError(OSError):
    """A host has no public address."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    Those of this machine, of private and link-local networks, of cloud metadata services, and IPv6
    addresses that lead to such an IPv4 address are not.

    >>> is_public("93.184.216.34"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False)

    Raises:
        ValueError: it is not an IP address.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = _ipv4_inside(found)
        if inner is not None:
            return is_public(str(inner))
        if found not in _PUBLIC_IPV6:
            return False
    is_special = found.is_multicast or found.is_reserved or any(found in net for net in _SPECIAL)
    return found.is_global and not is_special


def _ipv4_inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to; None for others."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    last = int(address) & 0xFFFF_FFFF
    if address in _NAT64 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(last)
    return None


def connect(host: str, port: int, *, timeout: float, only_public: bool) -> socket.socket:
    """Connect to a host by TCP, at the addresses that were checked.

    The name is resolved once: a name server that responds differently the second time has no
    effect.

    Args:
        host: Name or IP address.
        port: Port.
        timeout: Seconds for each address, and for each later operation of the socket.
        only_public: Whether addresses that are not public are left out.

    Raises:
        PrivateAddressError: ``only_public``, and the host has no public address.
        OSError: the host is unknown or cannot be reached.
    """
    problem: OSError | None = None
    for family, kind, protocol, address in _resolved(host, port, only_public=only_public):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(timeout)
            opened.connect(address)
        except OSError as error:
            opened.close()
            problem = error
        else:
            return opened
    if problem is not None:
        raise problem
    raise PrivateAddressError(f"{host} has no public address")


def require_public(host: str, port: int) -> None:
    """Refuse a host that a proxy will connect to, if it has no public address here.

    A name that only the proxy can resolve passes.

    Raises:
        PrivateAddressError: the host has no public address.
    """
    try:
        found = list(_resolved(host, port, only_public=True))
    except OSError:
        return
    if not found:
        raise PrivateAddressError(f"{host} has no public address")


def _resolved(
    host: str, port: int, *, only_public: bool
) -> Iterator[tuple[int, int, int, tuple[str, int]]]:
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        if not only_public or is_public(str(address[0])):
            yield family, kind, protocol, address  # type: ignore[misc]
