"""``serve``: a server of predictions, until it is stopped."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.errors import UsageError, UtkageError
from utkage.core.packages import MissingPackageError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.signals import deferred_stop_signals, interruption, work_to_save
from utkage.prediction.predictor import PredictSettings, open_predictor
from utkage.serving.settings import ServeSettings

if TYPE_CHECKING:
    import uvicorn

_PACKAGES = "fastapi", "uvicorn", "python_multipart", "prometheus_client"
# How often the main thread looks for a signal.
_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class ServeRequest:
    """Where to listen, and how to predict.

    Attributes:
        host: Address of this machine to listen on. The default can only be reached from it.
        port: Port; 0 takes a free one.
        predict: How to find faces, and the defaults of what rows contain.
        limits: What the server accepts.
        page: Folder that ``export --format web`` wrote, served at ``/``; or None.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    predict: PredictSettings = field(default_factory=PredictSettings)
    limits: ServeSettings = field(default_factory=ServeSettings)
    page: Path | None = None


def serve(
    request: ServeRequest,
    reporter: Reporter | None = None,
    on_listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Answer requests until SIGINT or SIGTERM; pictures that are being predicted are finished.

    A second signal ends it at once.

    Args:
        request: What to serve.
        reporter: Shows the weights and the address.
        on_listening: Called with the address when the server listens.

    Raises:
        UsageError: a package is missing, the port is taken, ``page`` is no exported page, or too
            few open files are allowed.
        UtkageError: the server has ended by itself.
        KeyboardInterrupt: the server was stopped.
    """
    reporter = reporter or SilentReporter()
    try:
        import uvicorn

        from utkage.serving.application import create_application
        from utkage.serving.http_protocol import BACKLOG, BoundedProtocol, raise_file_limit
        from utkage.serving.service import Service
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise MissingPackageError(
            f"this needs {error.name}; run: pip install 'utkage[serve]'"
        ) from error
    if request.page is not None and not (request.page / "index.html").is_file():
        raise UsageError(f"`page` {request.page}: is not a folder of `export --format web`")
    raise_file_limit()
    # Every malformed form would be a line in the log.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    with _listening(request.host, request.port) as listener:
        service = Service(open_predictor(request.predict, reporter), request.limits, reporter)
        config = uvicorn.Config(
            create_application(service, request.page),
            http=BoundedProtocol,
            backlog=BACKLOG,
            ws="none",
            log_level="error",
            access_log=False,
            server_header=False,
            headers=[("X-Content-Type-Options", "nosniff")],
            timeout_graceful_shutdown=math.ceil(request.limits.seconds) + 1,
        )
        address = _address(listener)
        if not (_is_loopback(listener) or request.limits.token):
            reporter.warn(f"anybody who reaches {address} may use it; `token_file` limits that")
        reporter.info(f"listening on {address}; {_how_to_stop()}")
        on_listening(address)
        _run(uvicorn.Server(config), listener)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    ended = threading.Event()

    def run() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            ended.set()

    # In a thread of its own, because uvicorn replaces the signal handlers of the main thread.
    # Its end is not awaited by `join`, after whose interruption Python takes it for ended.
    thread = threading.Thread(target=run, name="utkage-serve")
    with work_to_save():
        try:
            # A signal in the middle of it would leave a thread that nobody awaits.
            with deferred_stop_signals() as arrived:
                thread.start()
            if number := arrived():
                raise interruption(number)
            _wait(ended)
        finally:
            server.should_exit = True
            if thread.ident is None:
                ended.set()
            try:
                _wait(ended)
            except KeyboardInterrupt:
                # Whatever is cut off now would be reported as a fault.
                logging.getLogger("uvicorn.error").disabled = True
                server.force_exit = True
                _wait(ended)
                raise
    raise UtkageError("the server has ended; its messages say why")


def _wait(ended: threading.Event) -> None:
    while not ended.wait(_SECONDS):
        pass


def _how_to_stop() -> str:
    # A shell lets processes in its background ignore SIGINT.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return f"stop with: kill {os.getpid()}"
    return "stop with Ctrl-C"


def _is_loopback(listener: socket.socket) -> bool:
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        # Python adds the address, which the message has already.
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise UsageError(
            f"`host` {host}, `port` {port}: cannot listen there ({reason}); choose another"
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
