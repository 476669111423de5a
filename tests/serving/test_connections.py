"""Connections of a server on a real socket: slow, rude and very many clients."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from held_predictor import HeldPredictor

from utkage.serving.settings import ServeSettings

uvicorn = pytest.importorskip("uvicorn")
http_protocol = pytest.importorskip("utkage.serving.http_protocol")

HOST = b"Host: localhost\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
Connect = Callable[[], socket.socket]


class _Server:
    """A server in a thread."""

    def __init__(self, predictor: HeldPredictor, **limits: Any) -> None:
        from utkage.serving.application import create_application
        from utkage.serving.service import Service

        self.service = Service(predictor, ServeSettings(**limits))
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Connections inherit it; otherwise the system takes megabytes that no client has taken.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        config = uvicorn.Config(
            create_application(self.service), http=http_protocol.BoundedProtocol, log_level="error"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    def __enter__(self) -> _Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(self._listener.getsockname(), timeout=20) as connection:
            yield connection

    def response_to(self, sent: bytes) -> bytes:
        """All bytes until the server closes the connection."""
        with self.connected() as connection:
            connection.sendall(sent)
            return _rest(connection)


def _rest(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def _post(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    count = len(body) if length is None else length
    head = [b"POST /v1/predict HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    return b"\r\n".join([*head, b"Content-Length: %d" % count, b"", body])


@pytest.fixture
def start(quick: HeldPredictor) -> Iterator[Callable[..., _Server]]:
    """Servers with given limits."""
    with ExitStack() as stack:
        yield lambda **limits: stack.enter_context(
            _Server(limits.pop("predictor", quick), **limits)
        )


def test_a_header_that_never_ends_is_cut(
    start: Callable[..., _Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.5)
    server = start()
    started = time.monotonic()
    # Nothing, a part, a part after a whole request, and a byte from time to time.
    assert server.response_to(b"") == b""
    assert server.response_to(b"GET / HTTP/1.1\r\nHost: a\r\nA: ") == b""
    assert server.response_to(HEALTH + b"GET / HT").count(b"200 OK") == 1
    with server.connected() as connection:
        try:
            for _ in range(200):
                connection.sendall(b"G" if _ == 0 else b"E")
                time.sleep(0.02)
        except OSError:
            pass
        else:
            pytest.fail("still open")
    assert time.monotonic() - started < 15


def test_a_body_that_never_ends_is_refused(start: Callable[..., _Server]) -> None:
    server = start(seconds=0.4)
    response = server.response_to(_post(b"half", length=100))
    assert response.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.4 s" in response
    assert server.service.held_bytes == 0


def test_a_response_that_nobody_takes_is_cut(
    start: Callable[..., _Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "RESPONSE_SECONDS", 0.3)
    server = start(max_pictures=2000, max_waiting=2000)
    body = json.dumps({"pictures": [{"data": "AAAA", "name": "n" * 1000}] * 2000}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(server._listener.getsockname())
        connection.sendall(_post(body, b"Content-Type: application/json"))
        # The time to take the response begins with its first byte.
        connection.recv(1, socket.MSG_PEEK)
        time.sleep(2)
        assert len(_rest(connection)) < 2_000_000


def test_more_connections_than_allowed(
    start: Callable[..., _Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "MOST_CONNECTIONS", 3)
    server = start()
    with ExitStack() as stack:
        held = [stack.enter_context(server.connected()) for _ in range(3)]
        response = server.response_to(b"")
        assert response.startswith(b"HTTP/1.1 503 ")
        assert json.loads(response.partition(b"\r\n\r\n")[2]) == {
            "error": "too many connections; try again later"
        }
        held[0].sendall(HEALTH)
        assert held[0].recv(100).startswith(b"HTTP/1.1 200 ")
    last = HEALTH.replace(HOST, HOST + b"Connection: close\r\n")
    while not server.response_to(last).startswith(b"HTTP/1.1 200 "):
        time.sleep(0.05)


def test_two_hundred_clients_at_once(start: Callable[..., _Server], held: HeldPredictor) -> None:
    server = start(predictor=held, max_waiting=150)
    held.released.clear()
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connected()) for _ in range(200)]
        for client in clients:
            client.sendall(_post(b"x"))
        # Those who find no place learn it at once.
        refused = b'utkage_requests_total{status="429"} 50.0'
        deadline = time.monotonic() + 20
        while refused not in server.service.metrics.text() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.service.waiting == 150
        held.released.set()
        statuses = [_rest(client)[9:12] for client in clients]
    assert (statuses.count(b"200"), statuses.count(b"429")) == (150, 50)
    assert server.service.waiting == server.service.held_bytes == 0


def test_clients_that_go_free_their_places(
    start: Callable[..., _Server], held: HeldPredictor
) -> None:
    server = start(predictor=held, max_waiting=9)
    held.released.clear()
    whole = _post(b"x" * 1000)
    with ExitStack() as stack:
        # Cut in the header, in the body, and while its picture waits.
        for length in (10, 100, len(whole) - 5, len(whole), len(whole)):
            client = stack.enter_context(server.connected())
            client.sendall(whole[:length])
        deadline = time.monotonic() + 20
        while server.service.waiting < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.service.waiting == 2
    while server.service.held_bytes and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.service.held_bytes == 0
    assert server.service.waiting == 1, "that one is being predicted"
    held.released.set()
    assert server.response_to(_post(b"x")).startswith(b"HTTP/1.1 200 ")
    assert server.service.waiting == 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"HEAD /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"HEAD / HTTP/1.0\r\n\r\n", b"200"),
        (b"OPTIONS /v1/predict HTTP/1.0\r\n\r\n", b"405"),
        (b"GET /v1/predict HTTP/1.0\r\n\r\n", b"405"),
        (b"DELETE /healthz HTTP/1.0\r\n\r\n", b"405"),
        (b"GET /none HTTP/1.0\r\n\r\n", b"404"),
        (b"GET /%00 HTTP/1.0\r\n\r\n", b"404"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.0\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.0\r\n\r\n", b"404"),
        (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (_post(b"", length=-1), b"400"),
        (_post(b"", length=10**30), b"400"),
        (_post(b"", length=10**15), b"413"),
    ],
)
def test_unusual_requests(start: Callable[..., _Server], sent: bytes, status: bytes) -> None:
    server = start()
    response = server.response_to(sent)
    assert response[9:12] == status, response
    assert (b"\r\n\r\n{" in response) == (not sent.startswith(b"HEAD") and status != b"400")


def test_a_chunked_body_over_the_limit(start: Callable[..., _Server]) -> None:
    server = start(max_bytes=10_000, max_held_bytes=10_000)
    head = b"POST /v1/predict HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    with server.connected() as connection:
        connection.sendall(head + b"1000\r\n" + b"x" * 4096 + b"\r\n")
        for _ in range(9):
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert server.service.held_bytes == 0


def test_a_malformed_chunk_gives_its_bytes_back(start: Callable[..., _Server]) -> None:
    server = start()
    head = b"POST /v1/predict HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    response = server.response_to(head + b"4\r\nxxxx\r\nzz\r\n")
    assert response.startswith(b"HTTP/1.1 400 ")
    deadline = time.monotonic() + 10
    while server.service.held_bytes and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.service.held_bytes == 0


def test_pipelined_requests_are_answered_in_order(start: Callable[..., _Server]) -> None:
    server = start()
    last = b"GET /none HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    keep = _post(b"x").replace(b"Connection: close\r\n", b"")
    response = server.response_to(HEALTH + keep + HEALTH + last)
    statuses = [line.split()[1] for line in response.split(b"\r\n") if b"HTTP/1.1 " in line]
    assert statuses == [b"200", b"200", b"200", b"404"]


def test_a_client_that_asks_before_it_sends(start: Callable[..., _Server]) -> None:
    server = start(max_bytes=1000)
    expects = b"Expect: 100-continue"
    assert server.response_to(_post(b"", expects, length=2000)).startswith(b"HTTP/1.1 413 ")
    with server.connected() as connection:
        connection.sendall(_post(b"", expects, length=5))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert b"200 OK" in _rest(connection)
