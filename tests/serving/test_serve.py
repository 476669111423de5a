"""``utkage serve`` as a process: many clients, signals, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from utkage.core.errors import ConfigError
from utkage.serving.serve import _run
from utkage.serving.settings import ServeSettings

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")


@contextmanager
def _serving(*arguments: str, **options: Any) -> Iterator[tuple[str, subprocess.Popen[str], str]]:
    """Address, process and what it prints first."""
    command = [sys.executable, "-m", "utkage", "serve", "--port", "0", "--no-flip", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options) as process:
        assert process.stderr is not None
        try:
            printed = ""
            for line in process.stderr:
                printed += line
                found = re.search(r"listening on (http://\S+:\d+);", line)
                if found:
                    yield found[1], process, printed
                    break
            else:
                pytest.fail(f"the server never listened: {printed}")
        finally:
            process.kill()


def _predict(url: str, content: bytes, name: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"{url}/v1/predict?name={name}", content, {"Content-Type": "image/jpeg"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return list(json.load(response))


def _connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


HALF = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_many_clients_and_a_signal(portrait: bytes) -> None:
    with _serving() as (url, process, printed):
        assert printed.rstrip().endswith("; stop with Ctrl-C")
        names = [f"{number}.jpg" for number in range(16)]
        with ThreadPoolExecutor(8) as pool:
            rows = list(pool.map(lambda name: _predict(url, portrait, name), names))
        assert [row["file"] for (row,) in rows] == names
        assert len({row["age"] for (row,) in rows}) == 1
        # A client that goes in the middle of its request takes nothing with it.
        with _connected(url) as gone:
            gone.sendall(HALF)
        threads = [threading.Thread(target=_predict, args=(url, portrait, "a")) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with _connected(url) as working, _connected(url) as idle:
            working.sendall(HALF)
            idle.sendall(b"GET")
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            # It takes no further requests, and ends those that it has.
            assert idle.recv(100) == b""
            with pytest.raises(ConnectionError):
                _connected(url).recv(1)
            assert process.poll() is None
            working.sendall(b"body")
            assert working.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert process.wait(20) == 143
        assert process.stderr is not None
        assert process.stderr.read().splitlines() == ["error: stopped by SIGTERM"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_few_files_and_a_second_signal() -> None:
    import resource

    def prepare() -> None:
        # As in the background of a shell, where Ctrl-C has no effect.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 640))

    with (
        _serving("--host", "0.0.0.0", preexec_fn=prepare) as (url, process, printed),
        ExitStack() as stack,
    ):
        assert printed.rstrip().endswith(f"; stop with: kill {process.pid}")
        assert f"warning: anybody who reaches {url} may use it; --token-file limits that" in printed
        url = url.replace("0.0.0.0", "127.0.0.1")
        clients = [stack.enter_context(_connected(url)) for _ in range(350)]
        # More than the open files allow are refused, and the others work.
        assert {client.recv(12) for client in clients[64:]} == {b"HTTP/1.1 503"}
        clients[0].sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert clients[0].recv(1000).startswith(b"HTTP/1.1 200 ")
        stack.close()
        process.send_signal(signal.SIGINT)
        with _connected(url) as working:
            working.sendall(HALF)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 143
            assert working.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert process.stderr is not None
        assert process.stderr.read().splitlines() == ["error: stopped by SIGTERM"]


@pytest.mark.parametrize("token", ["", "two words", "line\nend", "Zoë"])
def test_tokens_that_no_header_can_hold(token: str) -> None:
    with pytest.raises(ConfigError, match="token"):
        ServeSettings(token=token)


class _SlowServer:
    """Runs until it may exit, as uvicorn does."""

    should_exit = force_exit = False
    has_ended = False

    def run(self, sockets: object) -> None:
        while not self.should_exit:
            time.sleep(0.01)
        time.sleep(0.3)
        self.has_ended = True


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("starts", [True, False])
def test_a_signal_while_the_server_starts(starts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if starts:
            start(thread)
            signal.raise_signal(signal.SIGINT)
        else:
            raise KeyboardInterrupt

    server = _SlowServer()
    with socket.socket() as listener, monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _run(server, listener)  # type: ignore[arg-type]
    assert server.has_ended is starts, "its end was awaited"
