"""``serve``: a server of predictions, until it is stopped."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.packages import MissingPackageError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.signals import work_to_save
from utkage.prediction.predictor import Predictor, PredictSettings, open_predictor
from utkage.serving.settings import ServeSettings

_PACKAGES = "fastapi", "uvicorn", "multipart", "prometheus_client"
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

    Args:
        request: What to serve.
        reporter: Shows the weights and the address.
        on_listening: Called with the address when the server listens.

    Raises:
        UsageError: a package is missing, the port is taken, or ``page`` is no exported page.
        KeyboardInterrupt: the server was stopped.
    """
    reporter = reporter or SilentReporter()
    try:
        import uvicorn

        from utkage.serving.application import Service, create_application
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise MissingPackageError(
            f"this needs {error.name}; run: pip install 'utkage[serve]'"
        ) from error
    if request.page is not None and not (request.page / "index.html").is_file():
        raise UsageError(f"`page` {request.page}: is not a folder of `export --format web`")

    def open_for(rotate: str) -> Predictor:
        return open_predictor(replace(request.predict, rotate=rotate), reporter)

    with _listening(request.host, request.port) as listener:
        service = Service(open_for, request.predict.rotate, request.limits)
        application = create_application(service, request.page)
        config = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=round(request.limits.seconds) + 1,
        )
        server = uvicorn.Server(config)
        address = _address(listener)
        reporter.info(f"listening on {address}; stop with Ctrl-C")
        on_listening(address)
        # In a thread of its own, because uvicorn replaces the signal handlers of the main thread.
        thread = threading.Thread(target=server.run, args=([listener],), name="utkage-serve")
        with work_to_save():
            thread.start()
            try:
                while thread.is_alive():
                    thread.join(_SECONDS)
            finally:
                server.should_exit = True
                thread.join()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"`host` {host}, `port` {port}: cannot listen there ({reason})") from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
