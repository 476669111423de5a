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
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from utkage.core.errors import ConfigError
from utkage.serving.settings import ServeSettings

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")


@pytest.fixture
def server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "utkage", "serve", "--port", "0", "--no-flip"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            found = re.search(r"listening on (http://127\.0\.0\.1:\d+);", line)
            if found:
                yield found[1], process
                break
        else:
            pytest.fail("the server never listened")
        process.kill()


def _ask(url: str, content: bytes, name: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"{url}/v1/predict?name={name}", content, {"Content-Type": "image/jpeg"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return list(json.load(answer))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_many_clients_and_a_signal(
    server: tuple[str, subprocess.Popen[str]], portrait: bytes
) -> None:
    url, process = server
    names = [f"{number}.jpg" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda name: _ask(url, portrait, name), names))
    assert [row["file"] for (row,) in rows] == names
    assert len({row["age"] for (row,) in rows}) == 1
    assert process.stderr is not None
    # A client that goes in the middle of its request takes nothing with it.
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as gone:
        gone.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\nhalf")
    threads = [threading.Thread(target=_ask, args=(url, portrait, "a")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    assert process.stderr.read().splitlines() == ["error: stopped by SIGTERM"]


@pytest.mark.parametrize("token", ["", "two words", "line\nend", "Zoë"])
def test_tokens_that_no_header_can_hold(token: str) -> None:
    with pytest.raises(ConfigError, match="token"):
        ServeSettings(token=token)
