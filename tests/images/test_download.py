"""Downloads end in time, stay within their size, and go nowhere that the user did not choose."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from utkage.core.errors import ImageError
from utkage.images import public_addresses
from utkage.images.download import MOST_REDIRECTS, fetch, is_url

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def _serving(respond: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that reads a request and then calls ``respond`` with its connection."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            respond(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _sends(content: bytes) -> Callable[[socket.socket], object]:
    return lambda connection: connection.sendall(content)


def _redirects(target: str) -> Callable[[socket.socket], object]:
    return _sends(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\n\r\n".encode("latin-1"))


def _drips(start: bytes, drop: bytes) -> Callable[[socket.socket], object]:
    def respond(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return respond


def test_an_address_gives_its_bytes(server: str, png: bytes) -> None:
    assert fetch(f"{server}/a.png") == png
    assert fetch(f"{server}/a.png", max_bytes=len(png)) == png


def test_downloads_that_fail(server: str) -> None:
    with pytest.raises(ImageError, match="404"):
        fetch(f"{server}/missing.png")
    with pytest.raises(ImageError, match="longer than 10 bytes"):
        fetch(f"{server}/a.png", max_bytes=10)
    with pytest.raises(ImageError, match="only http"):
        fetch("file:///etc/hostname")
    with pytest.raises(ImageError, match="cannot be reached"):
        fetch("http://127.0.0.1:1/a.png", timeout=2)
    with pytest.raises(ImageError, match="user names"):
        fetch("http://me:secret@127.0.0.1/a.png")
    with pytest.raises(ImageError, match="no host"):
        fetch("http:///a.png")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://host/a.jpg", True),
        ("HTTP://host/a.jpg", True),
        ("ftp://host/a.jpg", False),
        ("host/http://a.jpg", False),
        ("a.jpg", False),
    ],
)
def test_addresses(text: str, expected: bool) -> None:
    assert is_url(text) is expected


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (OK + b"\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK, b"X: y\r\n"),
        (OK + b"X: ", b"y"),
        (b"", b"H"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 302 Found\r\nLocation: ", b"h"),
    ],
)
def test_a_server_that_drips_holds_the_run_no_longer_than_the_total_time(
    start: bytes, drop: bytes
) -> None:
    with _serving(_drips(start, drop)) as url:
        started = time.monotonic()
        with pytest.raises(ImageError, match=r"takes longer than 0.5 s|cannot be reached"):
            fetch(url, total_seconds=0.5)
        assert time.monotonic() - started < 5


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving(lambda connection: connection.recv(1)) as url:
        with pytest.raises(ImageError, match="timed out"):
            fetch(url, timeout=0.2)
        with pytest.raises(ImageError, match=r"takes longer than 0.2 s"):
            fetch(url, total_seconds=0.2)
        # TLS takes the socket over, and its handshake is part of the time.
        with pytest.raises(ImageError, match=r"takes longer than 0.2 s"):
            fetch(url.replace("http", "https"), total_seconds=0.2)


def test_redirects_stay_within_the_public_internet(server: str, png: bytes) -> None:
    port = server.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "[::1]"):
        with _serving(_redirects(f"http://{host}:{port}/a.png")) as url:
            with pytest.raises(ImageError, match=r"not public.*`allow_private=True`") as caught:
                fetch(url)
            assert str(caught.value).startswith(url)
    with _serving(_redirects(f"{server}/a.png")) as url:
        assert fetch(url, allow_private=True) == png


def test_a_relative_redirect_counts_as_one(server: str) -> None:
    with _serving(_redirects("/b.png")) as url, pytest.raises(ImageError, match="not public"):
        fetch(url)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a.png", "gopher://x"])
def test_redirects_lead_to_http_only(target: str) -> None:
    with _serving(_redirects(target)) as url, pytest.raises(ImageError, match=r"not an http\(s\)"):
        fetch(url, allow_private=True)


def test_redirects_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[int] = []

    def respond(connection: socket.socket) -> None:
        requests.append(1)
        _redirects("/again")(connection)

    with _serving(respond) as url, pytest.raises(ImageError, match="redirects more than"):
        fetch(url, allow_private=True)
    assert len(requests) == MOST_REDIRECTS + 1


def test_the_address_that_was_checked_is_the_one_that_is_used(
    server: str, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that changes its mind between the check and the connection has no effect."""
    port = int(server.rpartition(":")[2])
    resolve: Any = socket.getaddrinfo
    addresses = iter(["127.0.0.1", "127.0.0.9", "127.0.0.9"])

    def changing(host: str, *arguments: Any, **options: Any) -> Any:
        return resolve(next(addresses) if host == "rebind.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    # Stands for a public address in this test.
    monkeypatch.setattr(public_addresses, "is_public", lambda address: address == "127.0.0.1")
    with _serving(_redirects(f"http://rebind.test:{port}/a.png")) as url:
        assert fetch(url) == png
        assert next(addresses) == "127.0.0.9"
        with pytest.raises(ImageError, match="not public"):
            fetch(url.replace("127.0.0.1", "localhost"))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0.0.0.0", "[::1]", "[::]"),
        *("[::ffff:127.0.0.1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fe80::1]"),
        *("169.254.169.254", "168.63.129.16", "224.0.0.1", "255.255.255.255", "[fd00::1]"),
        *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[ff02::1]"),
    ],
)
def test_an_address_of_a_stranger_is_public(
    host: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.rpartition(":")[2]
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    for url in (f"http://{host}:{port}/a.png", f"https://{host}:{port}/a.png", f"http://{host}/"):
        # Private redirects are none of a stranger's business either.
        for allow_private in (False, True):
            with pytest.raises(ImageError) as caught:
                fetch(url, trusted=False, allow_private=allow_private)
            assert "allow_private" not in str(caught.value)
    assert connected == []


def test_an_address_of_a_stranger_takes_no_proxy(
    server: str, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_addresses, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.9:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert fetch(f"{server}/a.png", trusted=False) == png
    with pytest.raises(ImageError, match="cannot be reached"):
        fetch(f"{server}/a.png")


def test_a_redirect_of_a_stranger_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_addresses, "is_public", lambda address: address == "127.0.0.1")
    for target in ("http://127.0.0.2/a.png", "http://[::1]/", "http://169.254.169.254/latest"):
        with _serving(_redirects(target)) as url, pytest.raises(ImageError, match="leads to a"):
            fetch(url, trusted=False, allow_private=True)


def test_a_redirect_with_an_endless_page_is_followed_at_once(server: str, png: bytes) -> None:
    start = f"HTTP/1.1 302 Found\r\nLocation: {server}/a.png\r\n\r\n".encode()
    with _serving(_drips(start, b"x" * 65536)) as url:
        assert fetch(url, allow_private=True, total_seconds=10) == png


def test_sizes_are_limited_by_what_the_server_says_and_by_what_it_sends() -> None:
    responses = (
        (_drips(OK + b"\r\n", b"x" * 10_000), "longer than 100000 bytes"),
        (_drips(OK + b"Content-Length: 100001\r\n\r\n", b""), "longer than 100000 bytes"),
        (_sends(OK + b"Content-Length: 9\r\n\r\nabc"), "ends 6 bytes early"),
    )
    for respond, problem in responses:
        with _serving(respond) as url, pytest.raises(ImageError, match=problem):
            fetch(url, max_bytes=100_000, timeout=2)


def test_what_a_server_says_cannot_steer_a_terminal() -> None:
    responses = (
        b"HTTP/1.1 404 \x1b]0;title\x07\x9b31m\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://\x1b[31m\x9b\r\n\r\n",
        b"\x1b[31m\x07\r\n\r\n",
        b"HTTP/1.1 500 " + b"long" * 10_000 + b"\r\n\r\n",
    )
    for response in responses:
        with _serving(_sends(response)) as url, pytest.raises(ImageError) as caught:
            fetch(url)
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) < 400


def test_a_proxy_is_used_but_redirects_through_it_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 3\r\n\r\nabc")

    @contextmanager
    def recording() -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def accept() -> None:
                with suppress(OSError):
                    while True:
                        connection, _ = server.accept()
                        with connection:
                            requests.append(connection.recv(65536))
                            if b"/redirect" in requests[-1]:
                                _redirects("http://169.254.169.254/latest")(connection)
                            else:
                                proxy(connection)

            threading.Thread(target=accept, daemon=True).start()
            yield f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"

    with recording() as address:
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.delenv("no_proxy", raising=False)
        assert fetch("http://picture.invalid/a b.png?q=1") == b"abc"
        assert requests[0].startswith(b"GET http://picture.invalid/a%20b.png?q=1 HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in requests[0]
        assert requests[0].count(b"Host:") == 1
        with pytest.raises(ImageError, match="not public"):
            fetch("http://picture.invalid/redirect")
        assert len(requests) == 2
