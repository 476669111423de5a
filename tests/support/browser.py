"""Headless Chromium for tests, driven through chromedriver by the WebDriver protocol (W3C)."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.request import Request, urlopen

import pytest
from npm_packages import tool

# A machine that does other work as well.
PATIENCE = 120
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--force-device-scale-factor=1", "--lang=en"),
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window of Chromium; see ``open_browser``."""

    def __init__(self, session: str) -> None:
        self.session = session

    def ask(self, path: str, value: dict[str, Any] | None = None, method: str = "") -> Any:
        """Send a command of the protocol; its result."""
        return _request(f"{self.session}{path}", value, method)

    def devtools(self, command: str, **values: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self.ask("/goog/cdp/execute", {"cmd": command, "params": values})

    def open(self, address: str) -> None:
        """Open a page and wait until it is loaded."""
        self.ask("/url", {"url": address})

    def run(self, script: str, *values: Any) -> Any:
        """Run JavaScript, a function body that may use ``await``; what it returns."""
        body = f"return (async () => {{ {script} }})();"
        return self.ask("/execute/sync", {"script": body, "args": list(values)})

    def resize(self, width: int, height: int = 800, *, touch: bool = False) -> None:
        """Give the page this size in CSS pixels, that of a telephone included."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch},
        )
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=touch)

    def prefer(self, **features: str) -> None:
        """Emulate media features, such as ``color_scheme="dark"``."""
        named = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self.devtools("Emulation.setEmulatedMedia", features=named)

    def upload(self, selector: str, *paths: Path) -> None:
        """Choose files in an input."""
        found = self.ask("/element", {"using": "css selector", "value": selector})[_ELEMENT]
        self.ask(f"/element/{found}/value", {"text": "\n".join(map(str, paths))})

    def click(self, selector: str) -> None:
        """Click an element as a person does, which counts as consent to a download."""
        found = self.ask("/element", {"using": "css selector", "value": selector})[_ELEMENT]
        self.ask(f"/element/{found}/click", {})

    def press(self, *keys: str) -> None:
        """Press keys one after another; ``"\\ue004"`` is Tab, ``"\\ue007"`` Enter."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def wait(self, condition: str, *values: Any) -> Any:
        """Wait until a JavaScript expression is true; its value."""
        end = monotonic() + PATIENCE
        while not (found := self.run(f"return {condition};", *values)):
            if monotonic() > end:
                raise TimeoutError(f"never true: {condition}")
            sleep(0.05)
        return found

    def screenshot(self, path: Path, *, full: bool = False) -> Path:
        """Write what the window shows, or the whole page, as PNG."""
        taken = self.devtools("Page.captureScreenshot", captureBeyondViewport=full)
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def logs(self) -> list[str]:
        """Messages of the console and of the browser since the last call."""
        return [entry["message"] for entry in self.ask("/se/log", {"type": "browser"})]


@contextmanager
def open_browser(folder: Path, *flags: str, downloads: Path | None = None) -> Iterator[Browser]:
    """A browser whose profile is below ``folder``; skips the test where it is not installed."""
    driver = tool("chromedriver")
    binary = tool("chromium")
    with subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            port = _port(process)
            options = {
                "binary": binary,
                "args": [*_FLAGS, f"--user-data-dir={folder / 'profile'}", *flags],
                "prefs": {"download.default_directory": str(downloads or folder)},
            }
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            browser = Browser(_session(f"http://127.0.0.1:{port}/session", wanted))
            browser.ask("/timeouts", {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000})
            try:
                yield browser
            finally:
                browser.ask("", method="DELETE")
        finally:
            process.kill()


def _session(base: str, wanted: dict[str, Any]) -> str:
    """The address of a new session; skips the test where Chromium does not start."""
    for _ in range(3):
        try:
            made = _request(base, {"capabilities": {"alwaysMatch": wanted}})
        except RuntimeError as error:
            # chromedriver gives Chromium a minute, which is too short on a very busy machine.
            reason = str(error)[:300]
        else:
            return f"{base}/{made['sessionId']}"
    pytest.skip(f"Chromium does not start here: {reason}")


def _port(process: subprocess.Popen[str]) -> int:
    for line in process.stdout or ():
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found[1])
    raise RuntimeError("chromedriver did not start")


def _request(address: str, value: dict[str, Any] | None, method: str = "") -> Any:
    body = None if value is None else json.dumps(value).encode()
    request = Request(address, body, {"Content-Type": "application/json"})
    request.method = method or ("GET" if body is None else "POST")
    try:
        with urlopen(request, timeout=2 * PATIENCE) as response:
            return json.load(response)["value"]
    except OSError as error:
        detail = error.read().decode() if hasattr(error, "read") else ""
        raise RuntimeError(f"{address.rsplit('/', 1)[1]}: {error} {detail[:1000]}") from error


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def file_server(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Serve a folder; its address, and a function that ends the server before the block does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()

        def end() -> None:
            server.shutdown()
            server.server_close()

        try:
            yield f"http://127.0.0.1:{server.server_port}/", end
        finally:
            server.shutdown()
