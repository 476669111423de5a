"""What ``serve`` refuses before it listens."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

Invoke = Callable[..., Any]


def test_a_port_that_is_taken(invoke: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = invoke("serve", "--port", str(taken.getsockname()[1]))
    assert done.exit_code == 2
    assert "cannot listen there (Address already in use); choose another\n" in done.stderr


def test_wrong_options(invoke: Invoke, tmp_path: Path) -> None:
    for arguments, message in (
        (("--page", tmp_path), "is not a folder of `export --format web`"),
        (("--token-file", tmp_path / "none"), "cannot be read"),
        (("--max-waiting", "0"), "use 1 or more"),
        (("--host", "no such host"), "cannot listen there"),
        (("--seconds", "0"), "use more than 0"),
        (("--seconds", "inf"), "use more than 0"),
        (("--max-held-bytes", "9"), "--max-held-bytes 9: use at least --max-bytes, 67108864"),
        (("--max-faces", "0"), "--max-faces 0: use 1 or more"),
        (("--uncertain-below", "0.1"), "--uncertain-below 0.1"),
    ):
        done = invoke("serve", "--port", "0", *arguments)
        assert done.exit_code == 2, done.stderr
        assert message in done.stderr


def test_tokens_that_no_header_can_hold(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    for content, message in (
        ("\n", "is empty"),
        ("two words", "use one line"),
        ("Zoë", "use one line"),
    ):
        file.write_text(content, encoding="utf-8")
        done = invoke("serve", "--port", "0", "--token-file", file)
        assert done.exit_code == 2
        assert f"error: --token-file {file}: {message}" in done.stderr
        monkeypatch.setenv("UTKAGE_TOKEN", content.strip())
        done = invoke("serve", "--port", "0")
        assert done.exit_code == 2
        assert f"error: UTKAGE_TOKEN in the environment: {message}" in done.stderr
        monkeypatch.delenv("UTKAGE_TOKEN")


def test_without_the_packages(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = invoke("serve", "--port", "0")
    assert done.exit_code == 2
    assert "this needs uvicorn; run: pip install 'utkage[serve]'" in done.stderr
